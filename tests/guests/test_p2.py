"""`rust-std-p2` on WASI 0.2 in Python: std's output, input, arguments, clocks and exit, beside 0.3 in one guest."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import pytest
import wasmtime

from tests.guests.harness import Output, advance_until, load
from wasihost import GuestExit, Host, RunOptions, VirtualClock
from wasihost._base.limits import Limits
from wasihost._base.streams import Unwritten
from wasihost._component.adapt import adapt as adapt_component
from wasihost._component.running.engine import default_engine


async def _run(case: str, **options: Any) -> None:
    """Runs `rust-std-p2`, whose stderr is of no interest."""
    env = {"CASE": case, **options.pop("env", {})}
    await Host(env=env, stderr=lambda _: None, **options).run_async(load("rust-std-p2"))


async def _copy(stdin: Any) -> bytes:
    blocks: list[bytes] = []
    await _run("copy", stdin=stdin, stdout=blocks.append)
    return b"".join(blocks)


async def test_arguments_and_variables_are_those_of_0_3() -> None:
    printed = Output()
    env = {"A": "x=y", "B": "", "C": "ünï"}
    await _run("environment", env=env, args=["guest", "one", "zwölf"], stdout=printed)
    assert printed.lines == ["guest one zwölf"]


@pytest.mark.parametrize("data", [b"", b"hello", bytes(range(256)) * 4096], ids=len)
async def test_std_copies_all_of_stdin_to_stdout(data: bytes) -> None:
    assert await _copy(data) == data


async def test_std_reads_from_a_socket_and_waits_for_what_comes() -> None:
    here, there = socket.socketpair()
    with here, there:
        copying = asyncio.create_task(_copy(here.fileno()))
        for data in (b"first, ", b"then"):
            await asyncio.sleep(0)
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)
        assert await copying == b"first, then"


async def test_a_full_pipe_holds_the_guest_up_and_nothing_is_lost() -> None:
    data = bytes(range(256)) * 1024
    reader, writer = os.pipe()
    read = asyncio.create_task(asyncio.to_thread(_read_to_end, reader))
    await _run("copy", stdin=data, stdout=writer)
    os.close(writer)
    assert await read == data


def _read_to_end(fd: int) -> bytes:
    with open(fd, "rb") as file:
        return file.read()


async def test_a_guest_asleep_leaves_the_loop_to_others_and_follows_its_clock() -> None:
    clock = VirtualClock(system_ns=10**18)
    running = asyncio.create_task(_run("clocks", stdout=lambda _: None, clock=clock))
    await advance_until(clock, running)
    await running


async def test_an_exit_reaches_the_embedder() -> None:
    with pytest.raises(GuestExit) as caught:
        await _run("exit")
    assert caught.value.code == 1


async def test_an_exception_of_an_output_comes_out_as_it_is() -> None:
    def fail(_: bytes) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await _run("copy", stdin=b"hello", stdout=fail)


async def test_what_an_output_raises_after_the_end_of_the_guest_comes_out() -> None:
    unwritten, engine = Unwritten(), default_engine(Limits().stack_bytes)
    async with adapt_component(engine, bytes(wasmtime.wat2wasm("(component)"))).open(
        {}, options=RunOptions(unwritten=unwritten)
    ) as instance:
        unwritten.error = KeyError("mine")
        with pytest.raises(KeyError, match="mine"):
            await instance.drain()
