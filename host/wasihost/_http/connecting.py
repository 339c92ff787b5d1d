"""Connections to where requests go, as an HTTP client makes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Request
from wasihost._http.targets import target_of
from wasihost._network import peers
from wasihost._network.base import Address, IpAddress, Network, Socket
from wasihost._network.names import literal

Connect: TypeAlias = Callable[[Request], Awaitable[Socket]]
"""A socket that is connected to where a request goes. Errors: HttpError, OSError."""


async def connect(network: Network, request: Request) -> Socket:
    """A socket connected to the first address of a request's host that can be reached. Errors: those of the first."""
    target = target_of(request)
    ip = literal(target.host)
    return await first_connected(network, [ip] if ip is not None else await network.resolve(target.host), target.port)


async def first_connected(network: Network, ips: Iterable[IpAddress], port: int) -> Socket:
    """A socket connected to the first of these addresses that can be reached. Errors: those of the first; HttpError."""
    failed: OSError | None = None
    for ip in ips:
        try:
            return await peers.connect(network, Address(ip, port))
        except OSError as error:
            failed = failed or error
    raise failed or HttpError(ErrorCode.DESTINATION_NOT_FOUND)
