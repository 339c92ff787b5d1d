"""What the tests share: an echo server in Python, on a host `db` of the virtual network."""

from __future__ import annotations

import asyncio

import pytest

from wasihost.testing import VirtualNetwork

ADDRESS = "10.0.0.7:7"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends back what comes in."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
def echo_server(wasi_net: VirtualNetwork) -> str:
    """The address of an echo server on a host `db`."""
    wasi_net.host("db", "10.0.0.7").listen(7, echo)
    return ADDRESS
