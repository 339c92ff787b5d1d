"""The scheme, authority and path of a request, from its target and its Host (RFC 9112, section 3.2).

| target | scheme | authority | path |
|---|---|---|---|
| `/a?b` | the listener's | Host, or where the listener is | `/a?b` |
| `http://user@a:80/b` | `http` | `a:80`, whatever Host says | `/b` |
| `*`, of OPTIONS | the listener's | as above | `*` |
| `a:443`, of CONNECT | the listener's | `a:443` | None |
"""

from __future__ import annotations

import re
from typing import NamedTuple

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]{0,5})?"  # RFC 3986, section 3.2
_ORIGIN_FORM = re.compile(r"/[^#]*")
_AUTHORITY = re.compile(_HOST)
_ABSOLUTE_FORM = re.compile(rf"(?P<scheme>https?)://(?:[^@/?#]*@)?(?P<authority>{_HOST})(?P<path>[/?][^#]*)?", re.I)


class Asked(NamedTuple):
    """The part of a target that a handler gets."""

    scheme: str
    authority: str
    path: str | None


def is_host(text: str) -> bool:
    """Whether it is a host and perhaps a port, as Host has to be."""
    return _AUTHORITY.fullmatch(text) is not None


def parse(method: str, target: str, *, scheme: str, authority: str) -> Asked | None:
    """The parts of a target; `scheme` and `authority` are for a target that names none. None: it is not a target."""
    if method == "CONNECT":
        return Asked(scheme, target, None) if is_host(target) else None
    if _ORIGIN_FORM.fullmatch(target) or (target == "*" and method == "OPTIONS"):
        return Asked(scheme, authority, target)
    parts = _ABSOLUTE_FORM.fullmatch(target)
    if parts is None:
        return None
    path = parts["path"] or "/"
    return Asked(parts["scheme"].lower(), parts["authority"], path if path.startswith("/") else f"/{path}")
