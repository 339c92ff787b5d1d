"""The event loop in virtual time."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time

import pytest

from wasihost import DeadlockError
from wasihost._base.clock import RunningClock, own_time
from wasihost._testing import run_virtual, virtual_loop

YEAR_S = 365 * 86400


def test_an_hour_takes_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    started = time.monotonic()
    assert run_virtual(main()) == 3600
    assert time.monotonic() - started < 1800  # and not an hour


def test_timers_come_in_their_order_and_at_their_time() -> None:
    async def main() -> list[tuple[str, float]]:
        loop, seen = asyncio.get_running_loop(), list[tuple[str, float]]()
        for name, delay in (("c", 3), ("a", 1), ("b", 2)):
            loop.call_later(delay, lambda name=name: seen.append((name, loop.time())))  # type: ignore[misc]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.Event().wait()
        return seen

    assert run_virtual(main()) == [("a", 1), ("b", 2), ("c", 3)]


def test_it_works_as_a_loop_factory() -> None:
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(asyncio.sleep(1000))
        assert runner.get_loop().time() == 1000


def test_a_loop_in_which_nothing_can_happen_says_what_waits() -> None:
    async def waiting_for_godot() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError) as caught:
        run_virtual(waiting_for_godot())
    assert "waiting_for_godot" in str(caught.value)
    assert f"({__file__}:" in str(caught.value)
    assert "awaits Event.wait" in str(caught.value)


def test_a_job_in_a_thread_is_waited_for_and_takes_no_virtual_time() -> None:
    async def main() -> float:
        go_on = threading.Event()
        timer = asyncio.get_running_loop().call_later(1, go_on.set)  # never, as long as the job runs
        job = asyncio.create_task(asyncio.to_thread(go_on.wait, 0.05))
        assert await job is False
        timer.cancel()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 0


def test_what_is_ready_in_the_real_world_comes_before_time_moves() -> None:
    async def main() -> tuple[bytes, float]:
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            right.send(b"x")
            data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(left, 1), 10)
        return data, asyncio.get_running_loop().time()

    assert run_virtual(main()) == (b"x", 0)


def test_without_a_timer_the_real_world_is_waited_for() -> None:
    async def main() -> bytes:
        reading, writing = os.pipe()
        loop, found = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        loop.add_reader(reading, lambda: found.set_result(os.read(reading, 1)))
        thread = threading.Thread(target=os.write, args=(writing, b"x"))
        thread.start()
        data: bytes = await found
        thread.join()
        loop.remove_reader(reading)
        os.close(reading)
        os.close(writing)
        return data

    assert run_virtual(main()) == b"x"


def test_its_clock_is_the_running_one_and_never_early() -> None:
    async def main() -> list[int]:
        clock, found = RunningClock(), list[int]()
        for when in (10**9 + 1, 2 * 10**9 + 1, YEAR_S * 10**9 + 7, YEAR_S * 10**9 + 8):
            await clock.wait_until(when)
            found.append(clock.monotonic_ns() - when)
        assert clock.system_ns() - clock.monotonic_ns() == 1_577_836_799_000_000_000
        own = own_time()
        assert own is not None
        assert own.seed == 7
        return found

    late = run_virtual(main(), seed=7)
    assert all(0 <= ns < 100 for ns in late), late


def test_no_clock_of_a_guest_begins_at_zero() -> None:
    async def main() -> tuple[int, int]:
        return RunningClock().monotonic_ns(), RunningClock().system_ns()

    assert run_virtual(main()) == (1_000_000_000, 1_577_836_800_000_000_000)


def test_elsewhere_the_clock_is_that_of_this_machine() -> None:
    async def main() -> None:
        assert own_time() is None
        assert RunningClock().monotonic_ns() >= time.monotonic_ns() - 10**9

    asyncio.run(main())
    assert own_time() is None
