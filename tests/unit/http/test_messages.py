"""Bodies, by themselves."""

from __future__ import annotations

from collections.abc import Callable

from wasihost._base.streams import ByteSink
from wasihost._http.messages import EMPTY, Body, BytesBody, Header, values


class SlowSink(ByteSink):
    """Takes three bytes at a time, and none at every other try."""

    def __init__(self) -> None:
        self.taken = b""
        self._is_ready = True

    def write(self, view: memoryview) -> int:
        self._is_ready = not self._is_ready
        if self._is_ready:
            raise BlockingIOError
        self.taken += bytes(view[:3])
        return min(len(view), 3)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        callback()

    def close(self, error: BaseException | None) -> None:
        raise AssertionError("whoever forwards leaves the sink open")


async def content(body: Body, n: int) -> list[bytes]:
    chunks = []
    while data := await body.read(n):
        chunks.append(data)
    return chunks


async def test_bytes_are_read_in_pieces_and_then_the_trailers() -> None:
    trailers: list[Header] = [("Sum", b"1"), ("sum", b"2")]
    body = BytesBody(b"hello", trailers)
    assert (body.length, BytesBody(b"hello").length) == (None, 5)
    assert await content(body, 2) == [b"he", b"ll", b"o"]
    assert await body.trailers() == trailers
    body.close()


async def test_a_body_is_forwarded_as_fast_as_the_sink_takes_it() -> None:
    sink = SlowSink()
    await BytesBody(b"hello world").forward(sink)
    assert sink.taken == b"hello world"


async def test_an_empty_body_serves_any_number_of_messages() -> None:
    for _ in range(2):
        assert (EMPTY.length, await EMPTY.read(), await EMPTY.trailers()) == (0, b"", [])
        EMPTY.close()


def test_values_are_found_whatever_the_casing_of_the_name() -> None:
    headers: list[Header] = [("Accept", b"a"), ("x", b""), ("ACCEPT", b"b")]
    assert values(headers, "accept") == [b"a", b"b"]
    assert values(headers, "y") == []
