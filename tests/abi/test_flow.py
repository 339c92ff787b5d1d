"""Streams and futures of any element type: from a provider through a guest to a provider."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.abi.flow import HOST, guest
from tests.abi.running import assemble, running
from tests.abi.shapes import same, with_handles, without_handles
from tests.abi.sources import in_chunks, later, one_by_one
from tests.strategies import val_types, values
from wasihost._base.streams import ByteSource, GuestStream, ValueSource
from wasihost._component.composition.protocol import BLOCK_SIZE, LARGE_BLOCK_SIZE
from wasihost._component.running.streams.blocks import BULK
from wasihost._component.values import Classes
from wasihost._component.world import types
from wasihost._component.world.types import ValType

ALL = 2**32 - 1
THING = types.Resource("thing")
SETTINGS = settings(
    max_examples=50,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Thing:
    """A resource of the provider that counts what becomes of it."""

    dropped = 0

    def drop(self) -> None:
        type(self).dropped += 1


class Batches(ValueSource[Any]):
    """Gives elements in batches; has nothing yet before every second one."""

    def __init__(self, batches: Sequence[Sequence[Any]]) -> None:
        self._batches = list(batches)
        self._blocked = False
        self.closed = 0

    def read(self) -> Sequence[Any]:
        self._blocked = not self._blocked
        if self._blocked:
            raise BlockingIOError
        return self._batches.pop(0) if self._batches else ()

    def wait_readable(self, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(callback)

    def close(self, error: BaseException | None) -> None:
        assert error is None
        self.closed += 1


class Provider:
    """Sends batches of elements through the guest and collects what comes back."""

    def __init__(self, stream: Any, future: Any = None, at_once: int = 65536) -> None:
        self.stream, self.future, self.at_once = stream, future, at_once
        self.collected: asyncio.Task[list[Any]]
        for i in range(100):
            setattr(self, f"T{i}", Thing)

    def source(self) -> Any:
        return self.stream

    def sink(self, x: GuestStream[Any]) -> None:
        self.collected = asyncio.create_task(self._collect(x))

    async def _collect(self, reader: GuestStream[Any]) -> list[Any]:
        found: list[Any] = []
        while some := await reader.read(self.at_once):
            found += some
        return found

    def fsource(self) -> Any:
        return later(self.future)

    def fsink(self, x: Any) -> None:
        async def read() -> list[Any]:
            return [await x]

        self.collected = asyncio.create_task(read())


async def check(t: ValType | None, batches: Sequence[Sequence[Any]], n: int, at_once: int, iterate: bool) -> None:
    """Sends the batches through a guest that reads n elements at once, to a provider that reads so many."""
    elements = [element for batch in batches for element in batch]
    stream: Any = Batches(batches)
    if t == types.U8:
        stream = in_chunks(batches)
    elif iterate:
        stream = one_by_one(elements)
    provider = Provider(stream, elements[0], at_once)
    async with running(assemble(guest(t)), {HOST: provider}) as instance:
        await instance.call("pump", n, ALL)
        found = await provider.collected
        assert len(found) == len(elements)
        assert all(same(t, a, b) for a, b in zip(elements, found, strict=True)), found
        if not types.contains(t, types.Own):
            await instance.call("fpump")
            assert same(t, elements[0], (await provider.collected)[0])


@pytest.mark.slow
@given(st.data())
@SETTINGS
def test_elements_go_through_a_guest_as_they_came(data: st.DataObject) -> None:
    t = data.draw(st.none() | val_types(max_leaves=6).filter(lambda t: t != types.CHAR), label="type")
    element = st.none() if t is None else values(t, Classes(types.Interface({})))
    batches = data.draw(st.lists(st.lists(element, min_size=1, max_size=5), min_size=1, max_size=4), label="batches")
    n, at_once = data.draw(st.integers(1, 8), label="n"), data.draw(st.integers(1, 8), label="at once")
    note(guest(t))
    asyncio.run(check(t, batches, n, at_once, data.draw(st.booleans(), label="iterator")))


@pytest.mark.slow
@given(st.data())
@SETTINGS
def test_owned_resources_in_elements_go_through_a_guest_as_they_came(data: st.DataObject) -> None:
    own = types.Own(THING)
    plain = data.draw(val_types(max_leaves=4), label="type")
    t = types.Tuple((own, types.substitute(plain, lambda inner: own if inner in (types.U8, types.BOOL) else None)))
    element = values(without_handles(t), Classes(types.Interface({})))
    plain_batches = data.draw(st.lists(st.lists(element, min_size=1, max_size=4), min_size=1, max_size=3))
    batches = [[with_handles(t, one, lambda _t, _n: Thing()) for one in batch] for batch in plain_batches]
    note(guest(t))
    asyncio.run(check(t, batches, data.draw(st.integers(1, 4)), 8, data.draw(st.booleans())))


PLAIN = types.Tuple((types.STRING, types.U16, types.List(types.U16)))


@pytest.mark.parametrize("length", [3, 30_000, 70_000])
async def test_more_elements_than_fit_into_a_block_go_through_as_they_came(length: int) -> None:
    """With the length of the texts, all in one block, two in each, and none."""
    batches = [[("ä" * (length // 2), i, [i] * (i % 3)) for i in range(count)] for count in (7, 1)]
    await check(PLAIN, batches, 2, 8, iterate=False)


async def test_a_long_batch_goes_through_in_parts() -> None:
    await check(types.U64, [range(20_000)], 15_000, 20_000, iterate=False)


async def test_a_block_of_elements_that_the_guest_does_not_take_is_free_again() -> None:
    provider = Provider(Batches([[("x", i, []) for i in range(5)]]))
    async with running(assemble(guest(PLAIN)), {HOST: provider}) as instance:
        await instance.call("pump", 2, 1)
        assert len(await provider.collected) == 2
        await settled()
        assert instance._machine.rings.blocks._taken == 0


class Pieces(ByteSource):
    """Gives so many bytes each time, and notes the room that it had for them."""

    def __init__(self, *sizes: int) -> None:
        self._sizes = [*sizes, 0]
        self.rooms: list[int] = []

    def read_into(self, view: memoryview) -> int:
        self.rooms.append(len(view))
        return self._sizes.pop(0)

    def wait_readable(self, callback: Callable[[], None]) -> None:
        raise NotImplementedError

    def close(self, error: BaseException | None) -> None:
        """Nothing is held."""


async def test_a_source_that_gave_much_has_more_room_for_the_next() -> None:
    pieces = Pieces(BULK - 1, BULK, BULK, 1)
    provider = Provider(pieces)
    async with running(assemble(guest(types.U8)), {HOST: provider}) as instance:
        await instance.call("pump", BULK, 100)
        assert len(await provider.collected) == 3 * BULK
    assert pieces.rooms == [BLOCK_SIZE, BLOCK_SIZE, LARGE_BLOCK_SIZE, LARGE_BLOCK_SIZE, BLOCK_SIZE]


OWNED = types.Tuple((types.STRING, types.List(types.Own(THING))))


def owned(n: int) -> list[Any]:
    return [("x", [Thing(), Thing()]) for _ in range(n)]


@pytest.mark.parametrize("rounds", [0, 1, 2])
async def test_owned_resources_that_the_guest_does_not_take_are_dropped(rounds: int) -> None:
    """Batches of five; the guest takes two elements each time and then drops the stream."""
    Thing.dropped = 0
    provider = Provider(Batches([owned(5), owned(5)]))
    async with running(assemble(guest(OWNED)), {HOST: provider}) as instance:
        await instance.call("pump", 2, rounds)
        found = await provider.collected
        assert len(found) == 2 * rounds
        await settled()
        # What was never asked for is still the provider's.
        asked = 5 if rounds else 0
        assert Thing.dropped == 2 * (asked - len(found))


@pytest.mark.parametrize("when", ["never", "before", "after"])
async def test_an_owned_resource_in_a_future_that_the_guest_drops_is_dropped(when: str) -> None:
    Thing.dropped = 0
    provider = Provider(None)
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    provider.fsource = lambda: future  # type: ignore[method-assign]
    async with running(assemble(guest(OWNED)), {HOST: provider}) as instance:
        if when == "before":
            future.set_result(owned(1)[0])
        await instance.call("fdrop")
        if when == "after":
            future.set_result(owned(1)[0])
        await settled()
        assert Thing.dropped == (0 if when == "never" else 2)
    assert future.cancelled() == (when == "never")


async def test_a_future_that_fails_after_the_guest_dropped_it_ends_the_guest() -> None:
    provider = Provider(None)
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    provider.fsource = lambda: future  # type: ignore[method-assign]
    async with running(assemble(guest(OWNED)), {HOST: provider}) as instance:
        await instance.call("fdrop")
        future.set_exception(LookupError("mine"))
        await settled()
        with pytest.raises(LookupError, match="mine"):
            await instance.call("fdrop")


async def settled() -> None:
    """Lets everything happen that can."""
    for _ in range(10):
        await asyncio.sleep(0.001)
