"""Providers: finding the one for an interface, and checking at link time that it fits.

A provider is any object with a method for each function of the interface. Names are WIT's words: `get-hop-limit` is
`get_hop_limit`, the resource `tcp-socket` is the attribute `TcpSocket`, a class, whose objects are the resources.

| WIT | calls |
|---|---|
| `f: func(a: u32)` | `provider.f(a)` |
| `[method]r.f` | `obj.f(a)` |
| `[static]r.f` | `provider.R.f(provider, a)` |
| `[constructor]r` | `provider.R(provider, a)` |
| drop of an owned `r` | `obj.drop()`, if there is such a method |

What is no name in Python, or has a meaning of its own here, gets an underscore: `class_`, `obj.drop_`,
`provider.wit_types_`.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

from wasihost._base.errors import LinkError
from wasihost._base.frozen import Frozen
from wasihost._component.values import camel_case, function_name, method_name, snake_case
from wasihost._component.world import types, versions

CallEnd: TypeAlias = Callable[[BaseException | None], None]
"""Told that a call is over, and what it raised."""
CallObserver: TypeAlias = Callable[[str], CallEnd | None]
"""Told the WIT path of a call that begins; what it gives is told of the end."""

_NAME = re.compile(r"(?:\[(?P<form>method|static|constructor)\](?P<resource>[^.]+)\.?)?(?P<func>[^.]*)")


class Providers:
    """Providers by interface: `ns:pkg/iface` is for every version, `ns:pkg/iface@1.2.3` for every compatible one."""

    def __init__(self, providers: Mapping[str, object]) -> None:
        self._by_name = dict(providers)

    def find(self, interface: str) -> object | None:
        """The provider for an interface as the guest names it."""
        found = versions.serving(interface, self._by_name)
        return None if found is None else self._by_name[found]


class Method(Frozen):
    """One function of an interface, as its provider implements it."""

    path: str
    func: types.Func
    call: Callable[..., Any]
    may_wait: bool
    """Whether what `call` gives may be an awaitable of the result; an async function's always may."""

    def observed(self, observer: CallObserver) -> Method:
        """The same method, whose calls are told to `observer`."""

        def call(*args: Any) -> Any:
            end = observer(self.path)
            if end is None:
                return self.call(*args)
            try:
                result = self.call(*args)
            except BaseException as error:
                end(error)
                raise
            if asyncio.iscoroutine(result):
                return _observed(result, end)
            if (self.func.is_async or self.may_wait) and asyncio.isfuture(
                result
            ):  # else the guest gets the future itself
                result.add_done_callback(lambda done: end(_failure(done)))
            else:
                end(None)
            return result

        return Method(self.path, self.func, call, self.may_wait)


async def _observed(coroutine: Coroutine[Any, Any, Any], end: CallEnd) -> Any:
    try:
        result = await coroutine
    except BaseException as error:
        end(error)
        raise
    end(None)
    return result


def _failure(done: asyncio.Future[Any]) -> BaseException | None:
    return asyncio.CancelledError() if done.cancelled() else done.exception()


def resource_class(provider: object, interface: str, name: str) -> type:
    """The provider's class for a resource."""
    found = getattr(provider, camel_case(name), None)
    home = interface or "the world"
    if found is None:
        raise LinkError(
            f"{home}: the provider {_named(provider)} has no class {camel_case(name)} for the resource {name}"
        )
    if not isinstance(found, type):
        raise LinkError(f"{home}: {_named(provider)}.{camel_case(name)} must be a class, not {type(found).__name__}")
    return found


def find_method(provider: object, interface: str, name: str, func: types.Func) -> Method:
    """The method behind a function; LinkError if there is none or its parameters do not fit."""
    path = f"{interface}#{name}" if interface else name
    call, found = _lookup(provider, interface, name, path)
    words = ", ".join(snake_case(param) for param, _ in func.params)
    if not callable(call):
        raise LinkError(f"{path}: the provider {_named(provider)} has no method {found}({words})")
    try:
        inspect.signature(call).bind(*(None for _ in func.params))
    except TypeError:
        raise LinkError(
            f"{path}: {_named(provider)}.{found} must take ({words}), but its signature is {inspect.signature(call)}"
        ) from None
    except ValueError:
        pass  # a builtin without a signature
    plain = _unwrapped(call)
    return Method(path, func, call, inspect.iscoroutinefunction(plain) or getattr(plain, "may_wait", False))


def _lookup(provider: object, interface: str, name: str, path: str) -> tuple[Any, str]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise LinkError(f"{path}: this name of a function is not understood")
    form = match["form"]
    resource = match["resource"]
    if form is None:
        func = function_name(match["func"])
        return getattr(provider, func, None), func
    cls = resource_class(provider, interface, resource)
    if form == "constructor":
        return functools.partial(cls, provider), cls.__name__
    func = method_name(match["func"])
    found = getattr(cls, func, None)
    if form == "static" and found is not None:
        found = functools.partial(found, provider)
    return found, f"{cls.__name__}.{func}"


def _unwrapped(call: Any) -> Any:
    return call.func if isinstance(call, functools.partial) else call


def _named(provider: object) -> str:
    return type(provider).__qualname__
