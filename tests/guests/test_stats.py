"""What a run tells of itself."""

from __future__ import annotations

import asyncio

import pytest

from tests.guests.harness import Guest, load
from tests.guests.peers import echo, server
from wasihost import GuestExit, Host, Stats


async def echoed(size: int) -> Stats:
    """The figures of a client that sends so many bytes, and gets them back."""
    found: list[Stats] = []
    async with server(echo) as peer:
        env = {"ADDRESS": peer.address, "MODE": "echo", "BYTES": size}
        await Guest("rust-tcp-client", env=env, on_stats=found.append).run_async()
    (stats,) = found
    return stats


async def test_every_byte_of_a_stream_is_counted() -> None:
    stats = await echoed(1_000_000)
    printed = stats.bytes_from_guest - 1_000_000
    assert stats.bytes_to_guest == 1_000_000
    assert 0 < printed < 100


async def test_calls_are_counted_by_their_path() -> None:
    calls = (await echoed(10)).calls
    assert calls is not None
    assert calls["wasi:sockets/types@0.3.0#[method]tcp-socket.connect"] == 1
    assert calls["wasi:sockets/types@0.3.0#[static]tcp-socket.create"] == 1
    assert calls["wasi:cli/run@0.3.0#run"] == 1


async def test_turns_do_not_grow_with_the_bytes_as_small_blocks_would() -> None:
    small, large = await echoed(10), await echoed(32 << 20)
    assert large.turns - small.turns < 2 * (32 << 20) // 65536


def test_a_run_that_fails_tells_its_stats_too() -> None:
    found: list[Stats] = []
    with pytest.raises(GuestExit):
        asyncio.run(Host(on_stats=found.append, stderr=lambda _: None).run_async(load("rust-echo-server")))
    assert [stats.polls > 0 for stats in found] == [True]
    assert "turns" in str(found[0])
