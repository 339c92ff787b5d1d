import asyncio

from wasihost import Host, Rules


async def main() -> None:
    listening = asyncio.get_running_loop().create_future()
    host = Host(policy=Rules(inbound=["tcp://127.0.0.1:*"]), env={"CONNECTIONS": "1"}, stdout=listening.set_result)
    async with asyncio.TaskGroup() as group:
        group.create_task(host.run_async("guest-fixtures/prebuilt/rust-echo-server.wasm"))
        port = int((await listening).split(b":")[1])  # b"listening on 127.0.0.1:40671\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"Hello, component!")
        writer.write_eof()
        print(await reader.read())
        writer.close()


asyncio.run(main())
