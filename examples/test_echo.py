import asyncio

from wasihost import Host, allow_all
from wasihost.testing import VirtualNetwork, run_virtual


async def echo(data: bytes) -> bytes:
    net = VirtualNetwork(latency_s=60)
    host = Host(network=net, policy=allow_all, env={"ADDRESS": "0.0.0.0:7", "CONNECTIONS": "1"})
    guest = asyncio.create_task(host.run_async("guest-fixtures/prebuilt/rust-echo-server.wasm"))
    await net.listening("guest:7")
    reader, writer = await net.connect("guest:7")
    writer.write(data)
    writer.write_eof()
    echoed = await reader.read()
    writer.close()
    await guest
    return echoed


def test_a_minute_of_latency_takes_milliseconds() -> None:
    assert run_virtual(echo(b"Hello, component!")) == b"Hello, component!"
