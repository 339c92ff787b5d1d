"""What outlives a guest: views of its memory, its streams, faulthandler; and another guest in its place."""

from __future__ import annotations

import asyncio
import textwrap
from typing import Any

import pytest

from tests.abi.test_puppet import PUPPET, Provider
from tests.hostile.harness import attacked
from tests.processes import run
from wasihost import ByteSink, ByteSource
from wasihost._component.running import memory


class Keeping(ByteSource, ByteSink):
    """Keeps every view that it is given."""

    def __init__(self) -> None:
        self.views: list[memoryview] = []

    def read_into(self, view: memoryview) -> int:
        self.views.append(view)
        return len(view)

    def wait_readable(self, callback: Any) -> None:
        raise AssertionError

    def write(self, view: memoryview) -> int:
        self.views.append(view)
        return len(view)

    def wait_writable(self, callback: Any) -> None:
        raise AssertionError

    def close(self, error: BaseException | None) -> None:
        pass


class Gives(Provider):
    def __init__(self) -> None:
        super().__init__()
        self.stream = Keeping()

    def sink(self, x: Any) -> None:
        x.forward(self.stream)


async def test_views_kept_after_the_store_is_gone_can_be_read_and_written() -> None:
    provider = Gives()
    async with attacked(PUPPET, provider, origin="test:wat/host") as instance:
        end = await instance.call("source")
        await instance.call("read", end, 1000)
        pair = await instance.call("stream-new")
        await instance.call("sink", pair & 0xFFFF_FFFF)
        await instance.call("write", pair >> 32, 100)
        for _ in range(10):
            await instance.call("poll")
            await asyncio.sleep(0)
    assert provider.stream.views
    for view in provider.stream.views:
        assert bytes(view) == bytes(len(view))
        view[:] = b"x" * len(view)
        assert bytes(view[:3]) == b"xxx"


async def test_a_guests_pages_are_given_back_when_it_is_closed() -> None:
    made: list[memory.LinearMemory] = []

    class Made(memory.LinearMemory):
        def end(self) -> None:
            self.pages.resize(len(self.pages))  # would raise if a view of ours were left
            super().end()
            made.append(self)

    before, memory.LinearMemory = memory.LinearMemory, Made  # type: ignore[misc]
    try:
        async with attacked(PUPPET, Gives(), origin="test:wat/host") as instance:
            assert await instance.call("stream-new")
    finally:
        memory.LinearMemory = before  # type: ignore[misc]
    assert len(made) >= 3


OUT_OF_BOUNDS = """
    import asyncio, faulthandler, wasmtime
    from wasihost import Host, WasihostError
    wasm = bytes(wasmtime.wat2wasm('''(component
      (core module $m (memory 1) (func (export "f") (result i32) (i32.load (i32.const 0x7fffff00))))
      (core instance $i (instantiate $m)) (func (export "f") (result u32) (canon lift (core func $i "f"))))'''))
    async def main():
        host = Host()
        loaded = host.load(wasm)
        {late}
        try:
            async with host.open(loaded) as instance:
                await instance.call("f")
        except WasihostError as error:
            print(type(error).__name__, "faulthandler" in str(error))
    asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("late", "told"), [("pass", "GuestTrap False"), ("faulthandler.enable()", "WasihostError True")]
)
def test_faulthandler_enabled_late_is_refused_before_a_guest_can_end_the_process(late: str, told: str) -> None:
    program = textwrap.dedent(OUT_OF_BOUNDS.replace("{late}", late))
    done = run("-c", program)
    assert (done.returncode, done.stdout) == (0, f"{told}\n"), done.stderr
