"""The same jobs without a guest: asyncio streams."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from benchmarks.contenders.base import Contender, Figures, Job, OnLine, percentile

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AsyncioStreams(Contender):
    name = "asyncio streams"
    share = 4
    runs_guests = False

    def run(self, guest: str, job: Job, on_line: OnLine = lambda _: None) -> Figures:
        return asyncio.run(do(job, on_line))


async def do(job: Job, on_line: OnLine = lambda _: None) -> Figures:
    """One job, in the running event loop."""
    work = JOBS[str(job["MODE"])]
    numbers = {name.lower(): value for name, value in job.items() if isinstance(value, int)}
    return await work(str(job.get("ADDRESS", "")), on_line, **{"chunk": 65536, **numbers})


async def connect(address: str, chunk: int = 65536) -> Connection:
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port), limit=chunk)


async def close(connection: Connection) -> None:
    connection[1].close()
    with contextlib.suppress(ConnectionError):
        await connection[1].wait_closed()


async def send_all(writer: asyncio.StreamWriter, size: int, chunk: int) -> None:
    block = memoryview(bytes(chunk))
    while size:
        count = min(size, chunk)
        writer.write(block[:count])
        await writer.drain()
        size -= count


async def receive_all(reader: asyncio.StreamReader, chunk: int, size: int | None = None) -> int:
    """Until FIN, or so many bytes."""
    got = 0
    while got != size and (data := await reader.read(chunk)):
        got += len(data)
    return got


async def echo_all(connection: Connection, size: int, chunk: int) -> None:
    reader, writer = connection
    await asyncio.gather(send_all(writer, size, chunk), receive_all(reader, chunk, size))


async def round_trips(connection: Connection, rounds: int) -> list[int]:
    reader, writer = connection
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        writer.write(b"x")
        await reader.read(1)
        times.append(time.perf_counter_ns() - start)
    return times


async def send(address: str, on_line: OnLine, bytes: int, chunk: int) -> Figures:
    start = time.perf_counter_ns()
    connection = await connect(address)
    await send_all(connection[1], bytes, chunk)
    await close(connection)
    return {"bytes": bytes, "ns": time.perf_counter_ns() - start}


async def receive(address: str, on_line: OnLine, bytes: int, chunk: int) -> Figures:
    start = time.perf_counter_ns()
    connection = await connect(address, chunk)
    got = await receive_all(connection[0], chunk)
    await close(connection)
    return {"bytes": got, "ns": time.perf_counter_ns() - start}


async def echo(address: str, on_line: OnLine, bytes: int, chunk: int) -> Figures:
    start = time.perf_counter_ns()
    connection = await connect(address, chunk)
    await echo_all(connection, bytes, chunk)
    await close(connection)
    return {"bytes": 2 * bytes, "ns": time.perf_counter_ns() - start}


async def pingpong(address: str, on_line: OnLine, rounds: int, chunk: int) -> Figures:
    connection = await connect(address)
    times = await round_trips(connection, rounds)
    await close(connection)
    return {"p50": percentile(times, 50), "p99": percentile(times, 99)}


async def connects(address: str, on_line: OnLine, rounds: int, chunk: int) -> Figures:
    start = time.perf_counter_ns()
    for _ in range(rounds):
        await close(await connect(address))
    return {"ns": time.perf_counter_ns() - start}


async def accepts(address: str, on_line: OnLine, rounds: int, chunk: int) -> Figures:
    times: list[int] = []
    over = asyncio.Event()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        times.append(time.perf_counter_ns())
        if len(times) > rounds:
            over.set()

    async with await asyncio.start_server(accepted, "127.0.0.1", 0) as listener:
        on_line(f"listening on 127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        await over.wait()
    return {"connections": rounds, "ns": times[rounds] - times[0]}


async def idle(address: str, on_line: OnLine, connections: int, rounds: int, bytes: int, chunk: int) -> Figures:
    on_line("none open")
    silent = [await connect(address) for _ in range(connections)]
    waiting = [asyncio.create_task(reader.read(16)) for reader, _ in silent]
    await asyncio.sleep(0)  # they begin
    on_line("all open")
    connection = await connect(address, chunk)
    times = await round_trips(connection, rounds)
    start = time.perf_counter_ns()
    await echo_all(connection, bytes, chunk)
    nanoseconds = time.perf_counter_ns() - start
    for each in (*silent, connection):
        await close(each)
    await asyncio.gather(*waiting)
    return {"bytes": 2 * bytes, "ns": nanoseconds, "p50": percentile(times, 50), "p99": percentile(times, 99)}


async def busy(address: str, on_line: OnLine, connections: int, bytes: int, chunk: int) -> Figures:
    opened = [await connect(address, chunk) for _ in range(connections)]
    start = time.perf_counter_ns()

    async def echo_one(connection: Connection) -> int:
        await echo_all(connection, bytes, chunk)
        return time.perf_counter_ns() - start

    times = await asyncio.gather(*map(echo_one, opened))
    nanoseconds = time.perf_counter_ns() - start
    for each in opened:
        await close(each)
    total = 2 * bytes * connections
    return {"bytes": total, "ns": nanoseconds, "fastest": min(times), "slowest": max(times)}


JOBS: dict[str, Callable[..., Awaitable[Figures]]] = {
    "send": send,
    "receive": receive,
    "echo": echo,
    "pingpong": pingpong,
    "connect": connects,
    "accept": accepts,
    "idle": idle,
    "busy": busy,
}
