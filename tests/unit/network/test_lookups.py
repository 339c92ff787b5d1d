"""Threads for lookups: how many there are, and when they end."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import threading
from collections.abc import Iterator

import pytest

from wasihost._base.threads import MOST
from wasihost._network.lookups import LookupThreads
from wasihost._network.names import Names
from wasihost._testing import run_virtual

REQUEST = contextvars.ContextVar("REQUEST", default="none")


class Slow:
    """A resolver that answers when the test lets it."""

    def __init__(self) -> None:
        self.answer = threading.Event()
        self.begun = threading.Semaphore(0)
        self.asked: list[str] = []
        self.threads: set[threading.Thread] = set()

    def __call__(self, name: str) -> str:
        self.asked.append(name)
        self.threads.add(threading.current_thread())
        self.begun.release()
        self.answer.wait()
        return "10.0.0.1"


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.answer.set()
    for thread in made.threads:
        thread.join()


async def _until_all_threads_are_busy(slow: Slow) -> None:
    await asyncio.sleep(0)
    for _ in range(MOST):
        slow.begun.acquire()


async def test_a_lookup_returns_what_the_function_returns_and_raises_what_it_raises() -> None:
    assert await LookupThreads().run(int, "12") == 12
    with pytest.raises(ValueError, match="invalid literal"):
        await LookupThreads().run(int, "twelve")


async def test_a_lookup_has_the_context_of_its_caller() -> None:
    REQUEST.set("seven")
    assert await LookupThreads().run(REQUEST.get) == "seven"


async def test_a_guest_has_so_many_lookups_at_a_time_and_the_others_wait(slow: Slow) -> None:
    names = Names(slow)
    lookups = [asyncio.ensure_future(names.resolve(str(number))) for number in range(3 * MOST)]
    await _until_all_threads_are_busy(slow)
    assert len(slow.asked) == MOST
    slow.answer.set()
    await asyncio.gather(*lookups)
    assert (len(slow.asked), len(slow.threads)) == (3 * MOST, MOST)


async def test_lookups_of_one_guest_hold_up_neither_another_nor_the_embedder(slow: Slow) -> None:
    names = Names(slow)
    lookups = [asyncio.ensure_future(names.resolve("slow")) for _ in range(200)]
    await _until_all_threads_are_busy(slow)
    assert await Names(lambda name: "10.0.0.2").resolve("quick")
    assert await asyncio.to_thread(int, "12") == 12
    slow.answer.set()
    await asyncio.gather(*lookups)


async def test_threads_end_with_the_last_lookup(slow: Slow) -> None:
    slow.answer.set()
    await Names(slow).resolve("db")
    for thread in slow.threads:
        thread.join()  # without an end of ours the test does not end


async def test_a_lookup_that_is_cancelled_while_it_waits_is_never_made(slow: Slow) -> None:
    names = Names(slow)
    first = [asyncio.ensure_future(names.resolve("first")) for _ in range(MOST)]
    await _until_all_threads_are_busy(slow)
    cancelled = asyncio.ensure_future(names.resolve("cancelled"))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    slow.answer.set()
    await asyncio.gather(*first, names.resolve("last"))
    assert "cancelled" not in slow.asked
    assert not names._threads._waiting


async def test_where_the_system_has_no_thread_to_give_the_lookup_fails_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = LookupThreads()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(socket.gaierror) as caught:
            await threads.run(int, "12")
    assert caught.value.errno == socket.EAI_AGAIN
    assert await threads.run(int, "12") == 12


def test_virtual_time_waits_for_a_lookup() -> None:
    async def main() -> float:
        go_on = threading.Event()
        timer = asyncio.get_running_loop().call_later(1, go_on.set)  # never, as long as the lookup runs
        assert await LookupThreads().run(go_on.wait, 0.05) is False
        timer.cancel()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 0
