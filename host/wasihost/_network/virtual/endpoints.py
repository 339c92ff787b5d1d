"""How a place on a virtual network is written: `"db:5432"`, `"10.0.0.2:80"`, `"[::1]:80"`, a pair, or an `Address`."""

from __future__ import annotations

from typing import TypeAlias

from wasihost._base.errors import ConfigError
from wasihost._network.base import Address
from wasihost._network.names import literal

Where: TypeAlias = "str | int | Address | tuple[str, int] | tuple[str, int, int, int]"
"""A host and a port. Where a host is asked itself the port alone will do: `80` or `":80"`."""


def parse(where: Where) -> tuple[str, int]:
    """The host, "" if there is none, and the port. ConfigError: it is neither."""
    match where:
        case int():
            host = ""
            port = where
        case Address():
            host = str(where.ip)
            port = where.port
        case str():
            host, colon, number = where.rpartition(":")
            if not colon or not (number.isascii() and number.isdigit()) or (":" in host and not host.startswith("[")):
                raise _bad(where)
            port = int(number)
        case (str(host), int(port), *_):
            pass
        case _:
            raise _bad(where)
    if not 0 <= port <= 0xFFFF:
        raise _bad(where)
    found = literal(host)
    return (host if found is None else str(found)), port


def _bad(where: object) -> ConfigError:
    return ConfigError(f"{where!r}: expected a host and a port from 0 to 65535, such as 'db:5432' or '[fd00::2]:80'")
