"""Variables and arguments as guests get them: UTF-8, which Python's text of other bytes is not (PEP 383)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wasihost._base.errors import ProviderError


def variables(env: Mapping[str, str]) -> list[tuple[str, str]]:
    """The variables. Errors: ProviderError, which names the one that is not UTF-8."""
    return [
        (_utf8(name, f"the variable name {name!r}"), _utf8(value, f"the variable {name!r}"))
        for name, value in env.items()
    ]


def arguments(args: Iterable[str]) -> list[str]:
    """The arguments. Errors: ProviderError, which names the one that is not UTF-8."""
    return [_utf8(arg, f"the argument {arg!r}") for arg in args]


def directory(cwd: str | None) -> str | None:
    """The initial directory. Errors: ProviderError if it is not UTF-8."""
    return None if cwd is None else _utf8(cwd, f"the initial directory {cwd!r}")


def _utf8(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ProviderError(f"{what} is not UTF-8 text, and a guest can get no other") from None
    return text
