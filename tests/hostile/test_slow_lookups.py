"""Lookups that never return: neither the run nor the interpreter waits for them."""

from __future__ import annotations

import pytest

from tests.processes import printed

SCRIPT = """
import asyncio, socket, threading
from tests.guests.harness import load
from wasihost import Host, allow_all

def never(*args, **kwargs):
    asked.set()
    threading.Event().wait()

async def main():
    host = Host(policy=allow_all, resolver={resolver}, env={{"CASE": "print", "NAME": "slow.test"}})
    running = asyncio.create_task(host.run_async(load("rust-resolve")))
    await asyncio.to_thread(asked.wait)
    running.cancel()

asked = threading.Event()
socket.getaddrinfo = never
asyncio.run(main())
print("the loop has ended")
"""


@pytest.mark.slow
@pytest.mark.parametrize("resolver", ["never", "None"], ids=["of the embedder", "of the system"])
def test_a_lookup_that_never_returns_delays_neither_the_run_nor_the_interpreter(resolver: str) -> None:
    assert printed(SCRIPT.format(resolver=resolver)) == "the loop has ended\n"
