"""Connections to names, as an HTTP client makes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from wasihost._http.errors import ErrorCode, HttpError
from wasihost._network import peers
from wasihost._network.base import Address, Network, Socket
from wasihost._network.names import ascii_name, literal

Connect: TypeAlias = Callable[[str, int], Awaitable[Socket]]
"""A connected socket for a host, which is a name or an address, and a port. Errors: HttpError, OSError."""


async def connect(network: Network, host: str, port: int) -> Socket:
    """A socket connected to the first address of a host that can be reached. Errors: those of the first; HttpError."""
    ip = literal(host)
    ips = [ip] if ip is not None else await network.resolve(_name(host))
    failed: OSError | None = None
    for ip in ips:
        try:
            return await peers.connect(network, Address(ip, port))
        except OSError as error:
            failed = failed or error
    raise failed or HttpError(ErrorCode.DESTINATION_NOT_FOUND)


def _name(host: str) -> str:
    try:
        return ascii_name(host)
    except ValueError:
        raise HttpError(ErrorCode.HTTP_REQUEST_URI_INVALID) from None
