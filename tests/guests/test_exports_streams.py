"""Streams and futures as arguments and results of exports."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.guests.exports import opened_api
from tests.guests.harness import fails, opened, passes, until
from wasihost import ByteSource, GuestTrap, LimitError, Limits, UnsupportedTypeError, ValueSource, WitError

API, HOST = "test:streams/api@1.0.0", "test:streams/host@1.0.0"
Call = Callable[..., Any]


class Ticket:
    """The provider's resource; counts those that are dropped."""

    dropped = 0

    def __init__(self, number: int) -> None:
        self._number = number

    def number(self) -> int:
        return self._number

    def drop(self) -> None:
        Ticket.dropped += 1


class Provider:
    Ticket = Ticket


@dataclass
class Entry:
    key: str
    size: int


@dataclass
class Upload:
    name: str
    data: Any
    checked: Any = None


async def each(*values: Any) -> AsyncIterator[Any]:
    for value in values:
        await asyncio.sleep(0)
        yield value


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


async def everything(reader: Any) -> list[Any]:
    return [element async for element in reader]


class Bytes(ByteSource):
    """Gives so many bytes, or waits for ever; remembers how it was closed."""

    def __init__(self, size: int, waits: bool = False) -> None:
        self.left, self.waits = size, waits
        self.asked = 0
        self.closed: list[BaseException | None] = []

    def read_into(self, view: memoryview) -> int:
        self.asked += 1
        if self.waits:
            raise BlockingIOError
        size = min(len(view), self.left)
        view[:size] = b"\1" * size
        self.left -= size
        return size

    def wait_readable(self, callback: Callable[[], None]) -> None:
        pass

    def close(self, error: BaseException | None) -> None:
        self.closed.append(error)


class Numbers(ValueSource[Any]):
    """Gives batches of values."""

    def __init__(self, *batches: Sequence[Any]) -> None:
        self._batches = list(batches)
        self.closed = 0

    def read(self) -> Sequence[Any]:
        return self._batches.pop(0) if self._batches else ()

    def wait_readable(self, callback: Callable[[], None]) -> None:
        raise AssertionError

    def close(self, error: BaseException | None) -> None:
        self.closed += 1


@contextlib.asynccontextmanager
async def opened_streams() -> AsyncIterator[Call]:
    Ticket.dropped = 0
    async with opened("rust-streams", {HOST: Provider()}) as instance:
        yield lambda function, *args: instance.call(f"{API}#{function}", *args)


# ---- arguments


async def test_a_stream_of_bytes_from_an_iterator_and_from_a_source() -> None:
    async with opened_streams() as call:
        assert await call("total", each(b"ab", bytearray(b"c"), memoryview(b""))) == (3, 294)
        source = Bytes(1_000_000)
        assert await call("total", source) == (1_000_000, 1_000_000)
        assert source.closed == [None]


async def test_streams_of_strings_records_and_nothing() -> None:
    async with opened_streams() as call:
        assert await call("join", each("a", "", "c")) == "a  c"
        assert await call("join", Numbers(["x", "y"], ["z"])) == "x y z"
        largest = await call("largest", each(Entry("a", 1), Entry("b", 3), Entry("c", 2)))
        assert (largest.key, largest.size) == ("b", 3)
        assert await call("largest", each()) is None
        assert await call("ticks", each(None, None)) == 2


async def test_a_future_is_any_awaitable() -> None:
    async with opened_streams() as call:
        assert await call("wait-for", later("coroutine")) == "coroutine"
        future = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(call("wait-for", future))
        await passes(5)
        assert not waiting.done()
        future.set_result("future")
        assert await waiting == "future"


async def test_streams_inside_records_options_and_lists() -> None:
    async with opened_streams() as call:
        assert await call("store", Upload("a", each(b"12"), later(True))) == ("a", 2, True)
        assert await call("store", Upload("b", Bytes(7))) == ("b", 7, None)
        assert await call("totals", [each(b"1"), Bytes(70_000), each()]) == [1, 70_000, 0]
        assert await call("totals", []) == []


async def test_more_arguments_than_fit_into_flat_parameters() -> None:
    async with opened_streams() as call:
        assert await call("many", each(b"1"), Bytes(20), "te", each(b"300"), later("xt"), 50_000) == (50_024, "text")


async def test_many_calls_with_streams_at_once() -> None:
    async with opened_streams() as call:
        calls = [call("join", each(*map(str, range(n)))) for n in range(100)]
        assert await asyncio.gather(*calls) == [" ".join(map(str, range(n))) for n in range(100)]


# ---- results


async def test_streams_of_numbers_bytes_and_strings() -> None:
    async with opened_streams() as call:
        assert await everything(await call("count", 1000)) == list(range(1000))
        assert b"".join(await everything(await call("letters", "x" * 200_000))) == b"x" * 200_000
        words = await call("words", "one two three")
        assert await words.read(2) == ["one", "two"]
        assert await words.read() == ["three"]
        assert await words.read() == []


async def test_a_future_as_result() -> None:
    async with opened_streams() as call:
        assert await (await call("promise", "kept")) == "kept"


async def test_a_stream_and_a_future_in_a_result() -> None:
    async with opened_streams() as call:
        lines, taken = await call("lines", "a b c")
        assert await everything(lines) == ["a", "b", "c"]
        assert await taken == "3 taken"
        assert (await fails(call("lines", ""), WitError)).value == "no words"  # type: ignore[attr-defined]


async def test_a_list_of_streams_as_result() -> None:
    async with opened_streams() as call:
        parts = await call("parts", ["a", "bc", ""])
        assert [b"".join(await everything(part)) for part in reversed(parts)] == [b"", b"bc", b"a"]


# ---- both ways


async def test_what_goes_in_comes_out_as_it_goes() -> None:
    async def talk() -> AsyncIterator[str]:
        yield "first"
        await heard.wait()
        yield "second"

    heard = asyncio.Event()
    async with opened_streams() as call:
        words = await call("upper", talk())
        assert await words.read() == ["FIRST"]
        heard.set()
        assert await words.read() == ["SECOND"]
        assert await words.read() == []


async def test_bytes_go_through_the_guest_with_no_copy_in_python() -> None:
    async with opened_streams() as call:
        source = Bytes(3_000_000)
        copied = await call("copy", source)
        assert sum([len(chunk) async for chunk in copied]) == 3_000_000
        assert source.closed == [None]


async def test_a_stream_of_the_guests_goes_back_to_it() -> None:
    async with opened_streams() as call:
        assert await call("join", await call("words", "there and back")) == "there and back"
        assert await call("total", await call("letters", "abc")) == (3, 294)
        assert await call("wait-for", await call("promise", "x")) == "x"


async def test_a_stream_that_was_read_from_goes_on_where_it_was() -> None:
    async with opened_streams() as call:
        words = await call("words", "one two three")
        assert await words.read(1) == ["one"]
        assert await call("join", words) == "two three"


async def test_a_stream_of_one_instance_feeds_another() -> None:
    async with opened_streams() as one, opened_streams() as other:
        assert await other("join", await one("words", "from one")) == "from one"
        assert await other("total", await one("letters", "abc")) == (3, 294)
        assert await other("wait-for", await one("promise", "x")) == "x"


async def test_bytes_of_ours_come_back_as_they_are() -> None:
    async with opened_streams() as call:
        assert b"".join(await everything(await call("same", each(b"a", b"b")))) == b"ab"


async def test_other_elements_that_come_back_unread_are_told_to_be_impossible() -> None:
    async with opened_streams() as call:
        words = await call("same-words", each("a"))
        error = await fails(words.read(), UnsupportedTypeError)
        assert "gave back, unread" in str(error)


async def test_resources_of_the_host_go_both_ways() -> None:
    async with opened_streams() as call:
        assert await call("numbers", each(Ticket(1), Ticket(2))) == [1, 2]
        assert Ticket.dropped == 2
        tickets = [Ticket(number) for number in range(4)]
        odd = await everything(await call("odd", each(*tickets)))
        assert odd == [tickets[1], tickets[3]]
        assert Ticket.dropped == 4


# ---- nothing is lost


async def test_the_source_of_a_stream_that_the_guest_drops_is_closed() -> None:
    async with opened_streams() as call:
        source = Bytes(100)
        await call("ignore", source, asyncio.get_running_loop().create_future())
        await until(lambda: source.closed)
        assert (source.asked, source.closed) == (0, [None])
        source = Bytes(100)
        assert await call("first", source) == 1
        await until(lambda: source.closed)


async def test_cancelling_a_call_closes_what_it_was_given() -> None:
    async with opened_streams() as call:
        source = Bytes(100)
        holding = asyncio.create_task(call("hold", source, asyncio.get_running_loop().create_future()))
        await passes(5)
        assert not source.closed
        holding.cancel()
        await fails(holding, asyncio.CancelledError)
        await until(lambda: source.closed)


@pytest.mark.parametrize("count", range(6))
async def test_a_call_cancelled_at_any_moment_closes_its_source_once(count: int) -> None:
    async with opened_streams() as call:
        source, value = Bytes(100, waits=True), later("never")
        holding = asyncio.create_task(call("hold", source, value))
        await passes(count)
        holding.cancel()
        await fails(holding, asyncio.CancelledError)
        if count:  # else it was never begun
            await until(lambda: source.closed)
        value.close()
    assert source.closed == [None] * bool(count)


async def test_a_source_that_waits_is_closed_when_the_guest_drops_its_end() -> None:
    async with opened_streams() as call:
        source = Bytes(100, waits=True)
        first = asyncio.create_task(call("first", source))
        await until(lambda: source.asked)
        first.cancel()
        await fails(first, asyncio.CancelledError)
        await until(lambda: source.closed)


async def test_closing_the_instance_closes_sources() -> None:
    async with opened_streams() as call:
        source = Bytes(100)
        holding = asyncio.create_task(call("hold", source, asyncio.get_running_loop().create_future()))
        await passes(5)
    assert source.closed == [None]
    await fails(holding, RuntimeError)


async def test_an_iterator_that_the_guest_drops_is_closed() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            closed.set()

    async with opened_streams() as call:
        assert await call("first", endless()) == ord("x")
        await closed.wait()


async def test_a_result_that_nobody_awaits_is_dropped() -> None:
    async with opened_streams() as call:
        go = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(call("upper", each("a")))
        await asyncio.sleep(0)
        waiting.cancel()
        await fails(waiting, asyncio.CancelledError)
        go.cancel()
        while await call("writing"):
            await passes()


async def test_closing_a_stream_ends_its_writer() -> None:
    async with opened_streams() as call:
        numbers = await call("count", 1000)
        assert await numbers.read(3) == [0, 1, 2]
        assert await call("writing") == 1
        numbers.close()
        while await call("writing"):
            await passes()


# ---- what goes wrong


WRONG = [
    ("total", (b"abc",), "argument data: expected stream<u8> (an async iterable or a ByteSource), got 'bytes'"),
    ("join", (["a"],), "argument words: expected stream<string> (an async iterable or a ValueSource), got 'list'"),
    ("wait-for", ("a",), "argument value: expected future<string> (an awaitable), got 'str'"),
    (
        "store",
        (Upload("a", 3),),
        "argument upload, field data: expected stream<u8> (an async iterable or a ByteSource)",
    ),
    ("store", (Upload("a", Bytes(1), 3),), "argument upload, field checked: expected future<bool> (an awaitable), got"),
    ("totals", ([Bytes(1), None],), "argument data, element 1: expected stream<u8>"),
    ("many", (Bytes(1), Bytes(1), 3, Bytes(1), 4, 5), "argument c: expected string, got 'int'"),
]


@pytest.mark.parametrize(("function", "args", "message"), WRONG)
async def test_a_wrong_argument_is_a_type_error_that_names_it(function: str, args: Any, message: str) -> None:
    async with opened_streams() as call:
        error = await fails(call(function, *args), TypeError)
        assert f"{API}#{function}: {message}" in str(error)
        assert await call("count", 0) is not None


async def test_a_call_with_a_wrong_argument_closes_its_streams() -> None:
    async with opened_streams() as call:
        source = Bytes(1)
        await fails(call("many", source, 1, "", 2, 3, 4), TypeError)
        assert source.closed == [None]
        assert source.asked == 0


async def test_a_call_that_is_not_even_begun_closes_its_streams() -> None:
    sources = [Bytes(1) for _ in range(4)]
    async with opened("rust-streams", {HOST: Provider()}, limits=Limits(pending_calls=0)) as instance:
        await fails(instance.call(f"{API}#total", sources[0]), LimitError)
        await fails(instance.call(f"{API}#total", sources[1], "one argument too many"), TypeError)
        instance.fail(GuestTrap("a trap"))
        await until(lambda: not instance.is_usable)
        await fails(instance.call(f"{API}#total", sources[2]), GuestTrap)
    await fails(instance.call(f"{API}#store", Upload("name", sources[3], later(True))), RuntimeError)
    assert [source.closed for source in sources] == [[None]] * 4


async def test_one_stream_of_the_guests_cannot_be_passed_twice() -> None:
    async with opened_streams() as call:
        letters = await call("letters", "abc")
        error = await fails(call("totals", [letters, letters]), TypeError)
        assert "closed or given away" in str(error)
        letters.close()
        await fails(call("total", letters), TypeError)


async def test_what_an_iterator_raises_ends_the_instance_with_that_exception() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ZeroDivisionError("of mine")

    async with opened_streams() as call:
        error = await fails(call("total", broken()), ZeroDivisionError)
        assert f"raised by the stream that was passed to {API}#total" in error.__notes__


async def test_a_wrong_element_names_the_function() -> None:
    async with opened_streams() as call:
        error = await fails(call("join", each("a", 3)), Exception)
        assert f"{API}#join" in str(error)
        assert "expected string, got 'int'" in str(error)


async def test_reading_after_a_trap_gives_the_trap() -> None:
    async with opened_api() as api:
        numbers, total = await api.call("count-to", 10)
        await numbers.read(1)
        reading = asyncio.ensure_future(total)
        await passes(3)
        await fails(api.call("trap"), GuestTrap)
        await fails(reading, GuestTrap)
        await fails(numbers.read(), GuestTrap)
