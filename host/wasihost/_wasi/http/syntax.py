"""The syntax of a request's parts, by the grammars of RFC 9110 and RFC 3986.

Wasmtime 49 goes by a crate whose versions differ; its reading is kept where it does no harm (`a..b`, `//x`, `%zz`), but
not for an empty host, a port of `+80`, several `@`, a fragment, or text that is not ASCII.
"""

from __future__ import annotations

import re
from typing import Final

MAX_PATH: Final = 65_534
"""As Wasmtime takes at most."""
MAX_SCHEME: Final = 64
MAX_WORD: Final = 1024
"""Of a method, and of an authority: a name of DNS has 253 at most."""

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PATH = re.compile(r"[^\x00-\x20\x7f-\U0010ffff#<>^`]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*")
_REG_NAME = r"[A-Za-z0-9\-._~!$&'()*+,;=]+"
_AUTHORITY = re.compile(
    rf"(?:[^\x00-\x20\x7f-\U0010ffff/?#@\[\]]*@)?(?:{_REG_NAME}|\[[0-9A-Fa-f:.]+\])(?::([0-9]{{1,5}}))?"
)


def is_method(text: str) -> bool:
    """Whether it is a token."""
    return len(text) <= MAX_WORD and _METHOD.fullmatch(text) is not None


def is_path(text: str) -> bool:
    """Whether it is a path with a query, or `*`; a path may be relative, and is sent with a `/` in front."""
    return len(text) <= MAX_PATH and _PATH.fullmatch(text) is not None


def is_scheme(text: str) -> bool:
    """Whether it is the name of a scheme."""
    return len(text) <= MAX_SCHEME and _SCHEME.fullmatch(text) is not None


def is_authority(text: str) -> bool:
    """Whether it is a host, perhaps with a user before and a port behind it."""
    found = _AUTHORITY.fullmatch(text) if len(text) <= MAX_WORD else None
    return found is not None and int(found[1] or 0) < 1 << 16


def is_status(status: int) -> bool:
    """Whether it is a status code: RFC 9110, 15."""
    return 100 <= status < 600
