"""Checks the arguments of `Host`, and of requests of a pool: a wrong one is a TypeError where it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from wasihost._base.clock import Clock
from wasihost._base.limits import Limits
from wasihost._component.cache import Cache
from wasihost._network.base import Network

Rule: TypeAlias = tuple[str, Callable[[Any], bool]]
"""The expected value, in words, and whether a value is one."""


def _of(*classes: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, classes)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_env(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(word, str) for entry in value.items() for word in entry)


def _is_texts(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _is_named(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_input(value: Any) -> bool:
    return _is_number(value) or isinstance(value, bytes | bytearray | memoryview) or _has(value, "read", "readinto")


def _is_output(value: Any) -> bool:
    return _is_number(value) or _has(value, "write", "log")


def _is_quotas(value: Any) -> bool:
    from wasihost._network.quotas import Quotas  # not for a host without quotas

    return isinstance(value, Quotas)


def _is_recording(value: Any) -> bool:
    from wasihost._recording import Recording  # not for a host that records nothing

    return isinstance(value, Recording)


def _is_context(value: Any) -> bool:
    import ssl  # not for a host without a context of its own

    return isinstance(value, ssl.SSLContext)


def _has(value: Any, *methods: str) -> bool:
    """Whether it is an object with one of these methods, or a callable, and no class."""
    return not isinstance(value, type) and (callable(value) or any(hasattr(value, method) for method in methods))


_FLAG: Final[Rule] = ("True or False", _is_flag)
_CALLABLE: Final[Rule] = ("a callable", callable)
_OUTPUT: Final[Rule] = ("a file descriptor, a file object, a callable that takes bytes, or a logger", _is_output)
_RULES: Final[dict[str, Rule]] = {
    "args": ('a list of str, such as ["one", "two"]', _is_texts),
    "cache": ("a Cache", _of(Cache)),
    "clock": ("a Clock", _of(Clock)),
    "cwd": ("a str", _of(str)),
    "env": ('a dict of str to str, such as {"NAME": "value"}', _is_env),
    "files": ('a dict of names to directories, such as {"/data": "data"}', _is_named),
    "forbidden_headers": ("a collection of names", _is_texts),
    "gc": _FLAG,
    "host_names": ('a dict of names to addresses, such as {"db": "10.0.0.1"}', _is_named),
    "http": ("a dict of hosts to handlers", _is_named),
    "http_keep_alive": _FLAG,
    "limits": ("Limits(...)", _of(Limits)),
    "network": ("a Network", _of(Network)),
    "on_decision": _CALLABLE,
    "on_event": _CALLABLE,
    "on_stats": _CALLABLE,
    "providers": ('a dict of interfaces to providers, such as {"my:pkg/iface": provider}', _is_named),
    "quotas": ("Quotas(...)", _is_quotas),
    "recording": ("a Recording", _is_recording),
    "resolver": _CALLABLE,
    "seed": ("an int", _is_number),
    "sigpipe": _FLAG,
    "stderr": _OUTPUT,
    "stdin": ("bytes, a file descriptor, a file object, or a callable that gives bytes", _is_input),
    "stdout": _OUTPUT,
    "tls": ("an ssl.SSLContext", _is_context),
}


def check(**given: Any) -> None:
    """Checks arguments by their names; None is left out. Errors: TypeError, with the expected type."""
    for name, value in given.items():
        expected, fits = _RULES[name]
        if value is not None and not fits(value):
            raise TypeError(f"{name}: expected {expected}, got {value!r}")


def texts(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """The strings that an argument has. Errors: TypeError."""
    check(**{name: values})
    found = tuple(values)
    for value in found:
        if not isinstance(value, str):
            raise TypeError(f"{name}: expected {_RULES[name][0]}, got {value!r} among them")
    return found
