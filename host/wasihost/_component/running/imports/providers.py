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
import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping
from operator import attrgetter
from typing import Any, TypeAlias

from wasihost._base.errors import LinkError
from wasihost._base.frozen import Frozen
from wasihost._base.nearest import did_you_mean
from wasihost._component.values import camel_case, function_name, method_name, snake_case
from wasihost._component.world import types, versions
from wasihost._component.world.passages import Passage
from wasihost._component.world.wiring import path_of

CallEnd: TypeAlias = Callable[[BaseException | None], None]
"""Called at the end of a call, with its exception."""
CallObserver: TypeAlias = Callable[[str], CallEnd | None]
"""Told the WIT path of a call that begins; what it gives is told of the end."""

_NAME = re.compile(r"(?:\[(?P<form>method|static|constructor)\](?P<resource>[^.]+)\.?)?(?P<func>[^.]*)")


class Providers:
    """Providers by interface: `ns:pkg/iface` is for every version, `ns:pkg/iface@1.2.3` for every compatible one."""

    def __init__(self, providers: Mapping[str, object]) -> None:
        self._by_name = dict(providers)

    def serving(self, interface: str) -> str | None:
        """The name of the provider for an interface as the guest names it."""
        return versions.serving(interface, self._by_name)

    def find(self, interface: str) -> object | None:
        """The provider for an interface as the guest names it."""
        found = self.serving(interface)
        return None if found is None else self._by_name[found]


class Shape:
    """What instances whose providers are different objects share: the classes and functions that one provider has.

    Another of its class has the same, unless the objects themselves have some.
    """

    def __init__(self, provider: object, interface: types.Interface) -> None:
        self._cls = type(provider)
        self._names = {"wit_types", *_attributes(interface)}
        self._only: Callable[[], object] | None = None
        if not self._has_all_of_class(provider):
            try:
                self._only = weakref.ref(provider)
            except TypeError:
                self._only = object  # which no provider is

    def _has_all_of_class(self, provider: object) -> bool:
        computed = (getattr(self._cls, name, None) for name in self._names)
        return not (
            hasattr(self._cls, "__getattr__")
            or any(isinstance(found, property | functools.cached_property) for found in computed)
            or self._names & getattr(provider, "__dict__", {}).keys()
        )

    def fits(self, provider: object) -> bool:
        """Whether this provider has the same."""
        if self._only is not None:
            return self._only() is provider
        return type(provider) is self._cls and self._names.isdisjoint(getattr(provider, "__dict__", ()))


def _attributes(interface: types.Interface) -> Iterator[str]:
    """The attributes of a provider that have the functions and resources."""
    for name, item in interface.items.items():
        match = _NAME.fullmatch(name)
        if isinstance(item, types.Resource):
            yield camel_case(name)
        elif isinstance(item, types.Func) and match is not None:
            yield function_name(match["func"])


class Method(Frozen):
    """One function of an interface, as every provider of one shape implements it."""

    interface: str
    name: str
    func: types.Func
    may_wait: bool
    """Whether what a call gives may be an awaitable of the result; an async function's always may."""
    find: Callable[[object], Callable[..., Any]]
    """Finds what to call in a provider."""
    passage: Passage | None = None
    """How its list of bytes goes through the guest's window."""

    @property
    def path(self) -> str:
        return path_of(self.interface, self.name)

    def of(self, provider: object) -> Callable[..., Any]:
        """What to call in this provider."""
        return self.find(provider)

    def observed(self, method: Callable[..., Any], observer: CallObserver) -> Callable[..., Any]:
        """The same call, reported to `observer`."""
        path = self.path
        may_wait = self.func.is_async or self.may_wait

        def call(*args: Any) -> Any:
            end = observer(path)
            if end is None:
                return method(*args)
            try:
                result = method(*args)
            except BaseException as error:
                end(error)
                raise
            if asyncio.iscoroutine(result):
                return _observed(result, end)
            if may_wait and asyncio.isfuture(result):  # else the guest gets the future itself
                result.add_done_callback(lambda done: end(_failure(done)))
            else:
                end(None)
            return result

        return call


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


def find_method(
    provider: object, interface: str, name: str, func: types.Func, passage: Passage | None = None
) -> Method:
    """The method behind a function; LinkError if there is none or its parameters do not fit."""
    path = path_of(interface, name)
    match = _NAME.fullmatch(name)
    if match is None:
        raise LinkError(f"{path}: this name of a function is not understood")
    cls = resource_class(provider, interface, match["resource"]) if match["resource"] else None
    place, find = _place(match)
    found = place if cls is None else place.replace(camel_case(match["resource"]), cls.__name__, 1)
    try:
        call: Any = find(provider)
    except (AttributeError, TypeError):  # there is none, or it is no function
        call = None
    words = ", ".join(snake_case(param) for param, _ in func.params)
    if not callable(call):
        _, _, method = place.rpartition(".")
        known = [each for each in dir(provider if cls is None else cls) if not each.startswith("_") and each != method]
        hint = did_you_mean(method, known)
        raise LinkError(f"{path}: the provider {_named(provider)} has no method {found}({words}){hint}")
    try:
        inspect.signature(call).bind(*(None for _ in func.params))
    except TypeError:
        raise LinkError(
            f"{path}: {_named(provider)}.{found} must take ({words}), but its signature is {inspect.signature(call)}"
        ) from None
    except ValueError:
        pass  # a builtin without a signature
    plain = _unwrapped(call)
    may_wait = inspect.iscoroutinefunction(plain) or getattr(plain, "may_wait", False)
    return Method(interface, name, func, may_wait, find, passage)


def _place(name: re.Match[str]) -> tuple[str, Callable[[object], Callable[..., Any]]]:
    """Where providers have a function, and what finds it there."""
    form = name["form"]
    if form is None:
        place = function_name(name["func"])
        return place, attrgetter(place)
    cls = camel_case(name["resource"])
    place = cls if form == "constructor" else f"{cls}.{method_name(name['func'])}"
    get = attrgetter(place)
    return place, get if form == "method" else lambda provider: functools.partial(get(provider), provider)


def _unwrapped(call: Any) -> Any:
    return call.func if isinstance(call, functools.partial) else call


def _named(provider: object) -> str:
    return type(provider).__qualname__
