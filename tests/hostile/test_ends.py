"""Programs that end, loops that close and providers that misbehave while guests run."""

from __future__ import annotations

import gc
import sys
import textwrap
import time
from typing import Any

import pytest

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import load, opened
from tests.guests.kv import STORE, KvBucket, Store
from tests.processes import printed
from wasihost import GuestTimeout, Host, Limits

PRELUDE = """
import asyncio, sys, threading
from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import Guest, load, opened
from wasihost import Host

async def serve():
    guest = Guest("rust-echo-server")
    serving = asyncio.create_task(guest.run_async())
    await guest.stdout.first_line()
    return serving
"""
ENDS = {
    "sys.exit in the event loop": """
        async def main():
            kept = await serve()
            sys.exit(0)

        asyncio.run(main())
    """,
    "sys.exit in a provider": """
        class Exiting(Sleeper):
            async def sleep(self, ms):
                sys.exit(0)

        async def main():
            async with opened("rust-exports", {HOST: Exiting()}) as instance:
                await instance.call(f"{API}#wait", 1)

        asyncio.run(main())
    """,
    "a daemon thread goes on": """
        serving = threading.Event()

        async def main():
            kept = await serve()
            serving.set()
            await kept

        threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
        serving.wait()
    """,
    "a daemon thread computes": """
        computing = threading.Event()

        async def main():
            async with opened("rust-exports", {HOST: Sleeper()}) as instance:
                asyncio.get_running_loop().call_soon(computing.set)
                await instance.call(f"{API}#spin", 0)

        threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
        computing.wait()
    """,
    "a loop that stands still": """
        loop = asyncio.new_event_loop()
        opening = Host(providers={HOST: Sleeper()}).open(load("rust-exports"))
        instance = loop.run_until_complete(opening.__aenter__())
    """,
}


@pytest.mark.parametrize("end", ENDS)
def test_the_interpreter_ends_quietly_with_guests_alive(end: str) -> None:
    assert printed(PRELUDE + textwrap.dedent(ENDS[end])) == ""


@pytest.mark.slow
def test_a_guest_runs_while_the_interpreter_ends() -> None:
    script = """
        import atexit
        from tests.guests.harness import run
        atexit.register(lambda: print(run("rust-two-versions"), end=""))
        run("rust-two-versions")
    """
    assert printed(script) == "both versions work\n"


async def test_a_provider_that_blocks_the_loop_is_waited_for_and_then_the_time_is_over() -> None:
    class Blocking(Sleeper):
        async def sleep(self, ms: int) -> None:
            time.sleep(0.05)  # noqa: ASYNC251, as a provider should not either

    limits = Limits(run_time_s=0.01)
    async with opened("rust-exports", {HOST: Blocking()}, limits=limits) as instance:
        with pytest.raises(GuestTimeout):
            await instance.call(f"{API}#sleep-times", 1000, 1)


def test_what_a_del_raises_goes_where_python_sends_it_and_the_guest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bucket(KvBucket):
        def __del__(self) -> None:
            raise LookupError("in __del__")

    class Deleting(Store):
        pass

    Deleting.Bucket = Bucket
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.exc_type))
    Host(providers={STORE: Deleting()}, stdout=lambda _: None).run(load("rust-kv-client"))
    gc.collect()
    assert set(told) == {LookupError}
