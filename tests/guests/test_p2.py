"""`rust-std-p2` on WASI 0.2 in Python: std's output, input, arguments, clocks and exit, beside 0.3 in one guest."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import pytest
import wasmtime
from wasmtime.component import Linker

from tests.guests.harness import PREBUILT, Output
from wasihost import Clock, GuestExit, OsClock, RunOptions, VirtualClock
from wasihost._base.limits import Limits
from wasihost._base.streams import Unwritten
from wasihost._component.adapt import Component
from wasihost._component.adapt import adapt as adapt_component
from wasihost._component.running.engine import default_engine
from wasihost._network.names import Names
from wasihost._network.os import OsNetwork
from wasihost._wasi import p2, p3
from wasihost._wasi.cli import Command, Stdio
from wasihost._wasi.context import WasiContext
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.random import Random
from wasihost._wasi.sockets.access import Access


def _adapted(name: str) -> Component:
    """A fixture with nothing left to Wasmtime's own 0.2."""
    engine = default_engine(Limits().stack_bytes)
    order = (*p3.IN_ORDER, *p2.IN_ORDER)
    return adapt_component(engine, (PREBUILT / f"{name}.wasm").read_bytes(), in_order=order)


async def _run(command: Command, clock: Clock | None = None) -> None:
    network = OsNetwork()
    context = WasiContext(
        command=command,
        stdio=Stdio(command),
        clock=clock or OsClock(),
        random=Random(7),
        access=Access(network),
        names=Names(network.resolve),
        unwritten=Unwritten(),
        mounts=Mounts(),
    )
    adapted = _adapted("rust-std-p2")
    providers = {**p3.providers(context), **p2.providers(context)}
    async with adapted.open(
        providers,
        store=wasmtime.Store(adapted.engine),
        linker=Linker(adapted.engine),
        options=RunOptions(detect_deadlock=True),
    ) as instance:
        try:
            await instance.call("wasi:cli/run#run")
        finally:
            await instance.drain()


async def _copy(stdin: Any) -> bytes:
    blocks: list[bytes] = []
    await _run(Command({"CASE": "copy"}, stdin=stdin, stdout=blocks.append, stderr=lambda _: None))
    return b"".join(blocks)


async def test_arguments_and_variables_are_those_of_0_3() -> None:
    printed = Output()
    env = {"CASE": "environment", "A": "x=y", "B": "", "C": "ünï"}
    await _run(Command(env, ["guest", "one", "zwölf"], stdout=printed))
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
    await _run(Command({"CASE": "copy"}, stdin=data, stdout=writer, stderr=lambda _: None))
    os.close(writer)
    assert await read == data


def _read_to_end(fd: int) -> bytes:
    with open(fd, "rb") as file:
        return file.read()


async def test_a_guest_asleep_leaves_the_loop_to_others_and_follows_its_clock() -> None:
    clock = VirtualClock(system_ns=10**18)
    running = asyncio.create_task(_run(Command({"CASE": "clocks"}, stdout=lambda _: None), clock))
    while not running.done():
        await asyncio.sleep(0)
        if (wait_ns := clock.next_ns) is not None:
            clock.advance(wait_ns)
    await running


async def test_an_exit_reaches_the_embedder() -> None:
    with pytest.raises(GuestExit) as caught:
        await _run(Command({"CASE": "exit"}, stderr=lambda _: None))
    assert caught.value.code == 1


async def test_an_exception_of_an_output_comes_out_as_it_is() -> None:
    def fail(_: bytes) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await _run(Command({"CASE": "copy"}, stdin=b"hello", stdout=fail, stderr=lambda _: None))


async def test_what_an_output_raises_after_the_end_of_the_guest_comes_out() -> None:
    unwritten, engine = Unwritten(), default_engine(Limits().stack_bytes)
    async with adapt_component(engine, bytes(wasmtime.wat2wasm("(component)"))).open(
        {}, options=RunOptions(unwritten=unwritten)
    ) as instance:
        unwritten.error = KeyError("mine")
        with pytest.raises(KeyError, match="mine"):
            await instance.drain()
