"""Bodies between a guest and the other side: who waits for whom, and how each end hears of the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, TypeAlias, TypeVar

import pytest

from tests.guests.harness import until
from tests.guests.http import Parts
from wasihost._base.errors import GuestTrap
from wasihost._base.streams import ByteSink, GuestByteStream, GuestFuture
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import BytesBody, Header, ReadyBody
from wasihost._wasi.http.bodies import BodySource, Consumption, Length, StreamBody

T = TypeVar("T")
SIZE = ErrorCode.HTTP_REQUEST_BODY_SIZE
BROKEN = HttpError(ErrorCode.HTTP_RESPONSE_INCOMPLETE)


class Contents(GuestByteStream):
    """What a guest writes, part by part; an exception is raised by the read."""

    def __init__(self, *parts: bytes | BaseException) -> None:
        self._parts = list(parts)
        self.is_closed = False

    async def read(self, n: int = 65536) -> bytes:
        part = self._parts.pop(0) if self._parts else b""
        if isinstance(part, BaseException):
            raise part
        return part

    def forward(self, sink: ByteSink) -> None:
        error: OSError | None = None
        for part in self._parts:
            if isinstance(part, BaseException):
                sink.guest_ended()
                break
            try:
                sink.write(memoryview(part))
            except OSError as found:
                error = found
                break
        sink.close(error)

    def close(self) -> None:
        self.is_closed = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise NotImplementedError


class Given(GuestFuture[T]):
    """What a guest gives at some time."""

    def __init__(self) -> None:
        self.given: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def begin(self) -> asyncio.Future[T]:
        return self.given

    def __await__(self) -> Generator[Any, None, T]:
        return self.given.__await__()


Trailers: TypeAlias = Given[list[Header]]
Sent: TypeAlias = StreamBody[list[Header]]


def _sent(contents: Contents | None, length: int | None, trailers: Trailers, outcome: list[object]) -> Sent:
    return StreamBody(contents, trailers, list, Length(length, SIZE), outcome.append)


def _body(contents: Contents | None, length: int | None = None, *found: Header) -> tuple[Sent, list[object]]:
    outcome: list[object] = []
    trailers = Trailers()
    trailers.given.set_result(list(found))
    return _sent(contents, length, trailers, outcome), outcome


async def _read(body: Sent) -> bytes:
    parts = []
    while part := await body.read():
        parts.append(part)
    return b"".join(parts)


# ---- from a guest


async def test_a_body_is_the_parts_of_the_guest_and_its_trailers() -> None:
    contents = Contents(b"ab", b"c")
    body, outcome = _body(contents, 3, ("x", b"1"))
    assert (await _read(body), await body.trailers(), body.length) == (b"abc", [("x", b"1")], 3)
    body.close()
    assert (contents.is_closed, outcome) == (True, [None])


@pytest.mark.parametrize(("parts", "length", "size"), [((b"ab", b"cd"), 3, 4), ((b"ab",), 3, 2), ((), 1, 0)])
async def test_a_body_of_another_length_than_it_says_breaks_off(
    parts: tuple[bytes, ...], length: int, size: int
) -> None:
    body, _ = _body(Contents(*parts), length)
    with pytest.raises(HttpError) as caught:
        await _read(body)
    assert (caught.value.code, caught.value.payload) == (SIZE, size)


async def test_without_contents_a_wrong_length_is_known_before() -> None:
    body, _ = _body(None, 1)
    with pytest.raises(HttpError):
        body.check()


async def test_the_length_is_0_if_there_is_nothing_and_that_is_known() -> None:
    bodies = [_body(None)[0], _body(None, None, ("x", b""))[0], _body(Contents())[0]]
    assert [body.length for body in bodies] == [0, None, None]
    trailers = Trailers()
    pending = _sent(None, None, trailers, [])
    assert pending.length is None
    trailers.given.set_result([])
    assert await pending.trailers() == []
    assert pending.length == 0


@pytest.mark.parametrize("end", [GuestTrap("dead"), asyncio.CancelledError()])
async def test_a_guest_that_dies_breaks_its_body_off(end: BaseException) -> None:
    body, _ = _body(Contents(b"ab", end))
    with pytest.raises(HttpError) as caught:
        await _read(body)
    assert caught.value.code is ErrorCode.INTERNAL_ERROR


class _Sink(ByteSink):
    """Takes all of it, or raises an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken = b""
        self._error = error

    def write(self, view: memoryview) -> int:
        if self._error is not None:
            raise self._error
        self.taken += view
        return len(view)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        raise NotImplementedError

    def close(self, error: BaseException | None) -> None:
        raise NotImplementedError


async def test_a_body_is_forwarded_to_a_sink_that_stays_open() -> None:
    sink = _Sink()
    await _body(Contents(b"ab", b"c"), 3)[0].forward(sink)
    assert sink.taken == b"abc"


@pytest.mark.parametrize(("parts", "taken", "size"), [((b"ab", b"cd"), b"ab", 4), ((b"ab",), b"ab", 2)])
async def test_a_body_of_another_length_is_not_forwarded_beyond_it(
    parts: tuple[bytes, ...], taken: bytes, size: int
) -> None:
    sink = _Sink()
    with pytest.raises(HttpError) as caught:
        await _body(Contents(*parts), 3)[0].forward(sink)
    assert (sink.taken, caught.value.code, caught.value.payload) == (taken, SIZE, size)


async def test_a_guest_that_dies_breaks_a_body_off_that_is_forwarded() -> None:
    sink = _Sink()
    with pytest.raises(HttpError) as caught:
        await _body(Contents(b"ab", GuestTrap("dead")))[0].forward(sink)
    assert (sink.taken, caught.value.code) == (b"ab", ErrorCode.INTERNAL_ERROR)


async def test_what_a_sink_raises_goes_to_the_reader_and_not_to_the_guest() -> None:
    error = ValueError("of the application")
    with pytest.raises(ValueError, match="of the application"):
        await _body(Contents(b"ab"))[0].forward(_Sink(error))


async def test_content_that_was_found_beforehand_is_read_in_parts_as_any_other() -> None:
    body, _ = _body(Contents(b"abc", b"d"))
    await body.settle()
    assert [await body.read(2) for _ in range(4)] == [b"ab", b"c", b"d", b""]


# ---- to a guest


async def test_a_source_gives_what_comes_and_says_that_it_was_all() -> None:
    source = BodySource(BytesBody(b"abc"))
    view = memoryview(bytearray(2))
    assert [source.read_into(view), source.read_into(view), source.read_into(view)] == [2, 1, 0]
    assert source.is_at_end


class LateTrailers(Parts):
    """A body whose trailers do not come."""

    was_cancelled = False

    async def trailers(self) -> list[Header]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return []


Consumed: TypeAlias = Consumption[HttpError | None, list[Header] | HttpError]


def _same(value: T) -> T:
    return value


def _consumed(body: Parts, *verdict: HttpError | None) -> tuple[Consumed, asyncio.Future[HttpError | None]]:
    """A consumption, and the guest's verdict, if it has that already."""
    given: Given[HttpError | None] = Given()
    for error in verdict:
        given.given.set_result(error)
    return Consumption(body, given, _same, _same), given.given


def _drain(consumption: Consumed) -> None:
    while consumption.source.read_into(memoryview(bytearray(10))):
        pass
    consumption.source.close(None)


async def test_trailers_come_when_the_content_was_read() -> None:
    body = Parts(b"ab", trailers=[("x", b"1")])
    consumption, _ = _consumed(body, None)
    _drain(consumption)
    assert await consumption.trailers == [("x", b"1")]
    await until(lambda: body.closed)
    assert body.closed == [None]


class Whole(Parts, ReadyBody):
    """A body that is there, whose reader need not await anything."""

    def read_into(self, view: memoryview) -> int:
        part = self._parts.pop(0) if self._parts else b""
        assert isinstance(part, bytes)
        view[: len(part)] = part
        self.ready_trailers = [("x", b"1")]
        return len(part)

    def wait_readable(self, callback: Callable[[], None]) -> None:
        raise NotImplementedError


async def test_trailers_that_are_ready_are_there_as_soon_as_the_content_was_read() -> None:
    consumption, _ = _consumed(Whole(b"ab"), None)
    _drain(consumption)
    assert consumption.trailers.result() == [("x", b"1")]


async def test_a_guest_that_drops_the_stream_has_no_trailers_and_closes_the_body() -> None:
    body = Parts(b"ab", trailers=[("x", b"1")])
    consumption, _ = _consumed(body, None)
    consumption.source.close(None)
    assert body.closed == [None]
    assert await consumption.trailers == []


async def test_content_that_breaks_off_just_ends_and_the_error_is_that_of_the_trailers() -> None:
    body = Parts(b"ab", BROKEN)
    consumption, _ = _consumed(body, None)
    _drain(consumption)
    assert (await consumption.trailers, body.closed) == (BROKEN, [BROKEN])


async def test_trailers_that_break_off_are_an_error() -> None:
    body = Parts(b"ab", trailers=BROKEN)
    consumption, _ = _consumed(body, None)
    _drain(consumption)
    assert (await consumption.trailers, body.closed) == (BROKEN, [BROKEN])


async def test_an_error_that_the_guest_says_gives_the_body_up() -> None:
    body = Parts(b"ab")
    consumption, _ = _consumed(body, BROKEN)
    await asyncio.sleep(0)
    assert body.closed == [BROKEN]
    consumption.source.close(None)
    assert body.closed == [BROKEN]


async def test_the_sender_hears_how_it_went_when_the_guest_says_it() -> None:
    body = Parts(b"ab")
    consumption, verdict = _consumed(body)
    _drain(consumption)
    await consumption.trailers
    assert body.closed == []
    verdict.set_result(BROKEN)
    await until(lambda: body.closed)
    assert body.closed == [BROKEN]


async def test_a_guest_that_ends_while_trailers_are_to_come_closes_the_body() -> None:
    body = LateTrailers(b"ab")
    consumption, _ = _consumed(body, None)
    _drain(consumption)
    consumption.trailers.cancel()
    await until(lambda: body.was_cancelled)
    assert body.closed == [None]


async def test_an_exception_of_the_sender_is_that_of_the_trailers() -> None:
    class Wrong(Parts):
        async def trailers(self) -> list[Header]:
            raise LookupError("mine")

    consumption, _ = _consumed(Wrong(), None)
    _drain(consumption)
    with pytest.raises(LookupError, match="mine"):
        await consumption.trailers
