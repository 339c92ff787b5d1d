"""KeyboardInterrupt and cancellation, wherever they come: the run ends cleanly and the next one works."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import textwrap
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.guests.exports import API, HOST
from tests.guests.harness import Guest, load, passes, run
from tests.guests.kv import STORE, Entry, KvBucket, Store
from tests.processes import printed
from wasihost import Host, PolicyContext, SocketAddressUse
from wasihost._component import ffi
from wasihost._component.running.loop import interrupts
from wasihost._component.running.loop.polling import Poller
from wasihost._component.running.store_context import contexts
from wasihost._network.base import Address


def interrupted(host: Host, name: str) -> None:
    """Runs a fixture that ends with KeyboardInterrupt; nothing is left, the next run works, and SIGINT is handled as
    before.
    """
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        host.run(load(name))
    assert signal.getsignal(signal.SIGINT) is before
    assert not contexts
    assert run("rust-two-versions") == "both versions work\n"


# ---- raised by Python code that the guest calls


def kv_host(store: Store) -> Host:
    return Host(providers={STORE: store}, stdout=lambda data: None)


def test_in_a_method() -> None:
    class Interrupted(KvBucket):
        def set(self, key: str, value: bytes) -> int:
            raise KeyboardInterrupt

    class InterruptedStore(Store):
        Bucket = Interrupted

    interrupted(kv_host(InterruptedStore()), "rust-kv-client")


def test_in_a_coroutine() -> None:
    class Interrupted(Store):
        async def open(self, name: str) -> KvBucket:
            await asyncio.sleep(0)
            raise KeyboardInterrupt

    interrupted(kv_host(Interrupted()), "rust-kv-client")


def test_in_a_constructor() -> None:
    class Interrupted(KvBucket):
        def __init__(self, store: Store, name: str) -> None:
            raise KeyboardInterrupt

    class InterruptedStore(Store):
        Bucket = Interrupted

    interrupted(kv_host(InterruptedStore()), "rust-kv-client")


def test_in_a_drop() -> None:
    class Interrupted(KvBucket):
        def drop(self) -> None:
            raise KeyboardInterrupt

    class InterruptedStore(Store):
        Bucket = Interrupted

    interrupted(kv_host(InterruptedStore()), "rust-kv-client")


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
def test_in_an_async_iterator(waits: bool) -> None:
    class Interrupted(Store):
        async def _entries(self, prefix: str) -> AsyncIterator[Entry]:
            yield Entry("one", b"", 1)
            if waits:
                await passes(5)
            raise KeyboardInterrupt

    interrupted(kv_host(Interrupted()), "rust-kv-client")


@pytest.mark.parametrize("use", [SocketAddressUse.TCP_BIND, SocketAddressUse.TCP_LISTEN])
@pytest.mark.parametrize("is_async", [False, True])
def test_in_a_policy(use: SocketAddressUse, is_async: bool) -> None:
    def policy(address: Address, asked: SocketAddressUse, context: PolicyContext) -> bool:
        if asked is use:
            raise KeyboardInterrupt
        return True

    async def async_policy(address: Address, asked: SocketAddressUse, context: PolicyContext) -> bool:
        await asyncio.sleep(0)
        return policy(address, asked, context)

    interrupted(Guest("rust-echo-server", policy=async_policy if is_async else policy).host, "rust-echo-server")


def test_in_a_policy_asked_by_connect() -> None:
    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        raise KeyboardInterrupt

    guest = Guest("rust-tcp-client", policy=policy, env={"ADDRESS": "127.0.0.1:9"})
    interrupted(guest.host, "rust-tcp-client")


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit])
def test_other_exceptions_that_are_no_exception_end_the_run_too(error: type[BaseException]) -> None:
    class Ending(KvBucket):
        def set(self, key: str, value: bytes) -> int:
            raise error

    class EndingStore(Store):
        Bucket = Ending

    with pytest.raises(error):
        kv_host(EndingStore()).run(load("rust-kv-client"))


# ---- a real signal, in a process of its own


SCRIPT = """
import asyncio, os, signal, sys, threading, time
from tests.guests.exports import API, HOST
from tests.guests.harness import Guest, load, run
from tests.guests.kv import PRINTED, STORE, KvBucket, Store
from wasihost import Host, allow_all

def kill_later(condition=lambda: True):
    def wait():
        while not condition():
            time.sleep(0.001)
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=wait, daemon=True).start()

before = signal.getsignal(signal.SIGINT)
try:
{body}
except KeyboardInterrupt:
    print("interrupted")
assert signal.getsignal(signal.SIGINT) is before
for task in threading.enumerate():
    assert task.daemon or task is threading.main_thread()
print(run("rust-two-versions"), end="")
"""


def in_a_process(body: str) -> str:
    """What the script prints; fails on a crash and on anything on stderr."""
    return printed(SCRIPT.replace("{body}", textwrap.indent(textwrap.dedent(body), "    ")))


ENDED_WELL = "interrupted\nboth versions work\n"


@pytest.mark.slow
def test_sigint_while_the_guest_waits_in_accept() -> None:
    assert (
        in_a_process("""
        guest = Guest("rust-echo-server")
        kill_later(lambda: guest.stdout.lines)
        guest.host.run(load("rust-echo-server"))
        """)
        == ENDED_WELL
    )


@pytest.mark.slow
def test_sigint_while_the_guest_computes() -> None:
    assert (
        in_a_process("""
        class Sleeper:
            async def sleep(self, ms): ...
        async def main():
            async with Host(providers={HOST: Sleeper()}).open(load("rust-exports")) as instance:
                kill_later()
                await instance.call(f"{API}#spin", 0)
        asyncio.run(main())
        """)
        == ENDED_WELL
    )


@pytest.mark.slow
def test_sigint_while_the_guest_yields_for_ever() -> None:
    assert (
        in_a_process("""
        class Sleeper:
            async def sleep(self, ms): ...
        async def main():
            async with Host(providers={HOST: Sleeper()}).open(load("rust-exports")) as instance:
                kill_later()
                await instance.call(f"{API}#yield-times", 0)
        asyncio.run(main())
        """)
        == ENDED_WELL
    )


@pytest.mark.slow
def test_sigint_while_a_host_function_computes() -> None:
    assert (
        in_a_process("""
        class Slow(KvBucket):
            def set(self, key, value):
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000):
                    pass
                return super().set(key, value)
        class SlowStore(Store):
            Bucket = Slow
        Host(providers={STORE: SlowStore()}, stdout=lambda data: None).run(load("rust-kv-client"))
        """)
        == ENDED_WELL
    )


@pytest.mark.slow
def test_sigint_while_a_provider_waits() -> None:
    assert (
        in_a_process("""
        class Waiting(Store):
            async def open(self, name):
                kill_later()
                await asyncio.Event().wait()
        Host(providers={STORE: Waiting()}, stdout=lambda data: None).run(load("rust-kv-client"))
        """)
        == ENDED_WELL
    )


@pytest.mark.slow
def test_sigint_at_many_moments_of_a_busy_transfer() -> None:
    printed = in_a_process("""
        server, client = Guest("rust-echo-server"), None
        async def main():
            # From here on, and not before: only now SIGINT is asyncio's.
            timer = threading.Timer(delay / 300, os.kill, [os.getpid(), signal.SIGINT])
            timer.daemon = True
            timer.start()
            serving = asyncio.create_task(server.host.run_async(load("rust-echo-server")))
            address = (await server.stdout.first_line()).rpartition(" ")[2]
            global client
            client = Guest("rust-tcp-client", env={"ADDRESS": address, "BYTES": 10_000_000_000})
            await client.host.run_async(load("rust-tcp-client"))
        load("rust-tcp-client")
        for delay in range(20):
            server.stdout._written.clear()
            try:
                asyncio.run(main())
            except KeyboardInterrupt:
                print("interrupted")
        raise KeyboardInterrupt
        """)
    assert printed == "interrupted\n" * 20 + ENDED_WELL


@contextlib.contextmanager
def _deferring() -> Iterator[None]:
    interrupts.defer()
    try:
        yield
    finally:
        interrupts.stop_deferring()


def test_sigint_is_pythons_again_where_the_main_task_ends_after_the_guests() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt  # as a second Ctrl-C does, which leaves everything to `asyncio.run`

    async def guest() -> None:
        with _deferring():
            await asyncio.Event().wait()

    async def main() -> None:
        running = asyncio.create_task(guest())
        await passes()
        asyncio.get_running_loop().call_soon(interrupt)
        try:
            await running
        finally:
            await passes(5)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert signal.getsignal(signal.SIGINT) is before


def test_many_instances_leave_no_more_on_the_main_task_than_one() -> None:
    async def guest() -> None:
        with _deferring():
            await passes()

    async def main(instances: int) -> int:
        for _ in range(instances):
            await asyncio.create_task(guest())
        main_task: Any = asyncio.current_task()
        return len(main_task._callbacks)

    assert asyncio.run(main(10)) == asyncio.run(main(1))


# ---- cancellation


async def cancelled_after(count: int, name: str, **env: object) -> None:
    """Cancels a run after that many passes of the event loop."""
    task = asyncio.create_task(Guest(name, env=env).run_async())
    await passes(count)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 10, 30])
async def test_run_async_can_be_cancelled_at_any_moment(count: int) -> None:
    await cancelled_after(count, "rust-echo-server")


async def test_a_time_out_around_run_async() -> None:
    guest = Guest("rust-echo-server")

    async def run_until_it_listens() -> None:
        async with asyncio.timeout(None) as scope:
            listening.add_done_callback(lambda _: scope.reschedule(0))
            await guest.run_async()

    listening = asyncio.create_task(guest.stdout.first_line())
    with pytest.raises(TimeoutError):
        await run_until_it_listens()
    assert listening.done()


async def test_a_cancelled_run_leaves_the_component_usable() -> None:
    await cancelled_after(3, "rust-two-versions")
    assert await Guest("rust-two-versions").run_async() == "both versions work\n"


async def test_a_guest_that_computes_can_be_cancelled() -> None:
    class Quick:
        async def sleep(self, ms: int) -> None: ...

    async def spin() -> None:
        async with Host(providers={HOST: Quick()}).open(load("rust-exports")) as instance:
            await instance.call(f"{API}#spin", 0)

    task = asyncio.create_task(spin())
    await passes(20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_waits_for_the_providers_to_clean_up() -> None:
    class Careful(Store):
        cleaned = False

        async def open(self, name: str) -> KvBucket:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                self.cleaned = True
            raise AssertionError

    begun = asyncio.Event()
    store = Careful()
    task = asyncio.create_task(kv_host(store).run_async(load("rust-kv-client")))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.cleaned


async def test_closing_goes_on_when_it_is_cancelled() -> None:
    class Stubborn(KvBucket):
        cancelled = dropped = 0

        async def set(self, key: str, value: bytes) -> int:  # type: ignore[override]
            begun.set()
            while Stubborn.cancelled < 3:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    Stubborn.cancelled += 1
            raise AssertionError

        def drop(self) -> None:
            Stubborn.dropped += 1

    class StubbornStore(Store):
        Bucket = Stubborn

    begun = asyncio.Event()
    task = asyncio.create_task(kv_host(StubbornStore()).run_async(load("rust-kv-client")))
    await begun.wait()
    for _ in range(3):
        task.cancel()
        await passes(5)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert Stubborn.cancelled == 3
    assert Stubborn.dropped


def test_the_library_handles_no_signal_but_sigint() -> None:
    def handlers() -> dict[int, object]:
        return {number: signal.getsignal(number) for number in signal.valid_signals()}

    class Looking(Store):
        async def open(self, name: str) -> KvBucket:
            during.update(handlers())
            return await super().open(name)

    before, during = handlers(), dict[int, object]()
    kv_host(Looking()).run(load("rust-kv-client"))
    assert {number for number, handler in during.items() if handler is not before[number]} == {signal.SIGINT}


async def test_a_provider_can_run_another_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nesting(Store):
        async def open(self, name: str) -> KvBucket:
            assert await Guest("rust-two-versions").run_async() == "both versions work\n"
            return await super().open(name)

    def poll(self: Poller, call: ffi.Call) -> bool:
        nested.append(sum(frame.name == "poll" for frame in traceback.extract_stack()) - 1)
        return real(self, call)

    nested: list[int] = []
    real = Poller._poll
    monkeypatch.setattr(Poller, "_poll", poll)
    await kv_host(Nesting()).run_async(load("rust-kv-client"))
    assert set(nested) == {0}  # an interrupt that waits for the end of one would be delivered within the other
