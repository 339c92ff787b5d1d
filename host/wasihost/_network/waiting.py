"""Waits for an endpoint, which itself calls back."""

from __future__ import annotations

from wasihost._base.waiting import Called
from wasihost._network.base import Endpoint


async def readable(endpoint: Endpoint) -> None:
    """Returns when receiving or accepting is worth a try."""
    called = Called()
    endpoint.wait_readable(called)
    try:
        await called
    finally:
        endpoint.cancel_readable()


async def writable(endpoint: Endpoint) -> None:
    """Returns when sending is worth a try, or a connection was made or failed."""
    called = Called()
    endpoint.wait_writable(called)
    try:
        await called
    finally:
        endpoint.cancel_writable()
