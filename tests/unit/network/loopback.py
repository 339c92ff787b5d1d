"""The loopback interface, whether it has IPv6 here, and waiting on it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import TypeVar

import pytest

from wasihost._network.base import Address, Family

T = TypeVar("T")
LOOPBACK: dict[Family, Address] = {4: Address(ip_address("127.0.0.1"), 0), 6: Address(ip_address("::1"), 0)}


def _no_ipv6() -> str | None:
    """Why IPv6 cannot be tested here."""
    if not socket.has_ipv6:
        return "Python was built without IPv6"
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        return f"no IPv6 loopback: {error}"
    return None


NO_IPV6 = _no_ipv6()
both_families = pytest.mark.parametrize(
    "family", [4, pytest.param(6, marks=pytest.mark.skipif(NO_IPV6 is not None, reason=NO_IPV6 or ""))]
)


async def until(call: Callable[[], T], wait: Callable[[Callable[[], None]], None]) -> T:
    """What a call returns when it does not block any more."""
    while True:
        try:
            return call()
        except BlockingIOError:
            ready = asyncio.Event()
            wait(ready.set)
            await ready.wait()
