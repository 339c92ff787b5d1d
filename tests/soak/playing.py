"""Plays the rounds of a soak, and looks at what is left of each.

How a round ends is the weather's. That it ends, in a way that is documented, with every table empty, every descriptor
closed and nothing left running, is the host's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest

from tests.guests import world
from tests.guests.harness import Output, counted_tables, load, open_fds, passes
from tests.guests.kv import STORE, Store
from tests.guests.peers import patient_echo, server
from tests.hostile.harness import held
from tests.soak.calls import EXPORTS, Exports, Service
from tests.soak.counting import Counting
from tests.soak.rounds import NAMES, SERVERS, Round
from wasihost import (
    DeadlockError,
    GuestExit,
    GuestTrap,
    Host,
    Instance,
    LimitError,
    Limits,
    Rules,
    WitError,
    allow_all,
)
from wasihost._network.faults import FaultyNetwork
from wasihost._network.os import OsNetwork

_ADDRESSES = ["tcp://127.0.0.1:*", "tcp://[::1]:*", "udp://127.0.0.1:*", "udp://[::1]:*"]
LOOPBACK_ONLY = Rules(outbound=_ADDRESSES, inbound=_ADDRESSES, resolve=["localhost"])
STDIN = {"rust-order": b"2 cheese\n"}
TEXT = b"0123456789abcdef" * 100
"""The stdin of others. It is what rust-cli wants, which would try for ever to read on where that ends early."""
LONGEST_S = {"os": 0.5, "virtual": 3600.0}
"""The `run_time_s` of a guest: one whose datagram was lost waits for ever."""
HANG_S = 300.0
"""Nothing but a defect takes longer, in computing or in being closed."""
DOCUMENTED = (GuestExit, GuestTrap, DeadlockError, LimitError, WitError)


class Ended(NamedTuple):
    """How a round ended; in virtual time the same for the same round."""

    how: str
    faults: int
    seconds: float


class Left(AssertionError):
    """Something was left of a round."""


def warm_up() -> None:
    """Compiles every fixture, and lets WASI 0.2 open what it keeps."""
    for name in NAMES:
        load(name)
    with contextlib.suppress(GuestExit):
        Host(stdout=lambda _: None, stderr=lambda _: None).run(load("rust-hello-p2"))
    gc.collect()
    gc.freeze()  # what is there now is not looked at again: with each round it would take longer


def play(round: Round) -> Ended:
    """How it ended. Errors: Left, and whatever a guest may not end with."""
    before = _state()
    with pytest.MonkeyPatch.context() as patch, counted_tables() as tables, _complaints() as complaints:
        patch.setattr(world, "current", world.WORLDS[round.network]())
        with asyncio.Runner(loop_factory=world.current.new_loop) as runner:
            runner.get_loop().set_exception_handler(lambda loop, context: complaints.append(repr(context)))
            ended = runner.run(_play(round))
        gc.collect()
    left = [f"{len(table)} resources" for table in tables if len(table)]
    if (after := _settled(before)) != before:
        left.append(f"descriptors, memories and callbacks: {before}, and then {after}")
    if left or complaints:
        raise Left("; ".join(left + complaints))
    return ended


def _state() -> tuple[dict[int, str], tuple[int, int]]:
    """What is open, and what Wasmtime holds of ours."""
    return open_fds(), held()


def _settled(wanted: object) -> object:
    """What is there in the end: Wasmtime's WASI 0.2 closes stdin in a thread of its own, some time."""
    for _ in range(100):
        if _state() == wanted:
            break
        time.sleep(0.01)
    return _state()


@contextlib.contextmanager
def _complaints() -> Iterator[list[str]]:
    """What Python only prints: exceptions that nobody gets, warnings of what was never closed or awaited."""
    found: list[str] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda told: found.append(repr((told.err_msg, told.exc_value)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield found
    finally:
        sys.unraisablehook = before


async def _play(round: Round) -> Ended:
    loop = asyncio.get_running_loop()
    network, stdout = FaultyNetwork(world.current.network or OsNetwork(), round.faults), Output()
    async with asyncio.timeout(LONGEST_S[round.network] + HANG_S), server(patient_echo) as echo:
        begun = loop.time()
        host = Host(
            policy=allow_all if round.network == "virtual" else LOOPBACK_ONLY,
            network=network,
            host_names={"db": "10.0.0.1", "echo": "127.0.0.1"},
            env=round.env if round.name in SERVERS else {"ADDRESS": echo.address, **round.env},
            args=["guest", *[f"echo:{echo.address.rpartition(':')[2]}"] * 2],  # rust-order's prices and ledger
            stdin=Counting() if round.name == "rust-everything" else STDIN.get(round.name, TEXT),
            stdout=stdout,
            stderr=lambda _: None,
            seed=round.faults.seed,
            limits=Limits(**{"run_time_s": LONGEST_S[round.network], "cpu_time_s": HANG_S, **round.limits}),
            providers=EXPORTS[round.name].providers() if round.name in EXPORTS else {STORE: Store()},
        )
        async with _visited(round.name, stdout):
            with network:
                ended = Ended(await _end(host, round), len(network.injected), loop.time() - begun)
    await passes(20)  # what was cancelled ends
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        raise Left(f"tasks: {left}")
    return ended


@contextlib.asynccontextmanager
async def _visited(name: str, stdout: Output) -> AsyncIterator[None]:
    """A server has clients meanwhile."""
    visiting = asyncio.ensure_future(_visit(name, stdout))
    yield
    visiting.cancel()
    await asyncio.wait([visiting])


async def _visit(name: str, stdout: Output) -> None:
    if name not in SERVERS:
        return
    port = int((await stdout.first_line()).rpartition(":")[2])
    while True:
        with contextlib.suppress(OSError):
            await (_send_datagram if name == "rust-udp-echo" else _connect)(port)
        await asyncio.sleep(0.01)


async def _connect(port: int) -> None:
    reader, writer = await world.current.connect("127.0.0.1", port)
    try:
        writer.write(b"hello")
        writer.write_eof()
        await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _send_datagram(port: int) -> None:
    client = world.current.udp_client("127.0.0.1", port)
    try:
        client.send(b"hello")
        async with asyncio.timeout(0.1):
            await client.receive()
    finally:
        client.close()


async def _end(host: Host, round: Round) -> str:
    guest = asyncio.ensure_future(_guest(host, round))
    was_cancelled = False
    for count in round.cancelled:
        await passes(count)
        was_cancelled |= guest.cancel()
    try:
        await guest
    except asyncio.CancelledError:
        if not was_cancelled:
            raise
        return "cancelled"
    except LimitError as error:
        if error.limit == "cpu_time_s" or (was_cancelled and error.value == LONGEST_S["virtual"]):
            raise
        return type(error).__name__
    except GuestTrap as error:
        if not _may_trap(round, error):
            raise
        return "GuestTrap"
    except DOCUMENTED as error:
        return type(error).__name__
    return "ended well"


def _may_trap(round: Round, error: GuestTrap) -> bool:
    """Whether a guest traps on purpose, or as one of WASI 0.2 does whose check of its own fails."""
    if round.name.startswith("rust-p2-") and "`unreachable`" in str(error):  # a panic
        return True
    if round.name == "c-p2-methods" and "unknown handle index 0" in str(error):  # a socket that it did not get
        return True
    return any("trap" in word for word in (*round.env.values(), *(call for call, _ in round.calls)))


async def _guest(host: Host, round: Round) -> None:
    if not round.calls:
        await host.run_async(load(round.name))
        return
    exports = EXPORTS[round.name]
    async with host.open(load(round.name)) as instance:
        called = (_call(exports, instance, name, count) for name, count in round.calls)
        results = await asyncio.gather(*called, return_exceptions=True)
    # What is not documented comes first.
    errors = [error for error in results if isinstance(error, BaseException)]
    for error in sorted(errors, key=lambda error: isinstance(error, DOCUMENTED)):
        if not isinstance(error, asyncio.CancelledError):
            raise error


async def _call(exports: Exports | Service, instance: Instance, name: str, cancelled_after: int | None) -> None:
    cancelling = asyncio.ensure_future(_cancel(asyncio.current_task(), cancelled_after))
    try:
        await exports.call(instance, name)
    finally:
        cancelling.cancel()


async def _cancel(task: asyncio.Task[Any] | None, count: int | None) -> None:
    if task is not None and count is not None:
        await passes(count)
        task.cancel()
