"""Connections to where requests go, as an HTTP client makes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Request
from wasihost._http.targets import target_of
from wasihost._network import peers
from wasihost._network.base import Address, Network, Socket
from wasihost._network.names import literal

Connect: TypeAlias = Callable[[Request], Awaitable[Socket]]
"""A socket that is connected to where a request goes. Errors: HttpError, OSError."""


async def connect(network: Network, request: Request) -> Socket:
    """A socket connected to the first address of a request's host that can be reached. Errors: those of the first."""
    target = target_of(request)
    given = literal(target.host)
    failed: OSError | None = None
    for ip in [given] if given is not None else await network.resolve(target.host):
        try:
            return await peers.connect(network, Address(ip, target.port))
        except OSError as error:
            failed = failed or error
    raise failed or HttpError(ErrorCode.DESTINATION_NOT_FOUND)
