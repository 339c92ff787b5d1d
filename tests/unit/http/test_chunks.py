"""Chunks, in whatever pieces they come; what is malformed is in the tables of the server and the client."""

from __future__ import annotations

from random import Random

import h11
import pytest

from wasihost._http.chunks import Chunks, MalformedChunks
from wasihost._http.limits import MessageLimits
from wasihost._http.messages import Header

REST = b"GET / HTTP/1.1\r\n"


def encoded(random: Random) -> tuple[bytes, bytes, list[Header]]:
    """Random chunks with extensions and trailers, their content and the trailers."""
    text = b""
    content = b""
    for _ in range(random.randrange(6)):
        piece = random.randbytes(random.choice([1, 2, 15, 16, 300]))
        size = random.choice([b"%x", b"%X", b"0%x"]) % len(piece)
        text += size + random.choice([b"", b";a=b", b";a", b";\t"]) + b"\r\n" + piece + b"\r\n"
        content += piece
    trailers = random.choices([("A", b"1"), ("a", b""), ("b-c", b"x y\xff")], k=random.randrange(4))
    text += b"0\r\n"
    for name, value in trailers:
        text += b"%s:%s%s\r\n" % (name.encode(), random.choice([b" ", b"", b"\t"]), value)
    return text + b"\r\n", content, trailers


def by_h11(text: bytes) -> tuple[bytes, list[Header], bytes]:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + text)
    connection.next_event()
    content = b""
    while isinstance(event := connection.next_event(), h11.Data):
        content += event.data
    assert isinstance(event, h11.EndOfMessage)
    trailers = [(name.decode(), value) for name, value in event.headers.raw_items()]
    return content, trailers, connection.trailing_data[0]


def test_chunks_are_read_as_h11_reads_them_in_whatever_pieces_they_come() -> None:
    random = Random(1)
    for _ in range(300):
        text, content, trailers = encoded(random)
        assert by_h11(text + REST) == (content, trailers, REST)
        chunks = Chunks(MessageLimits(), b"")
        found = b""
        data = text + REST
        while data:
            size = random.choice([1, 3, 50, len(data)])
            chunks.receive(data[:size])
            found += chunks.take()
            data = data[size:]
        assert (found, chunks.trailers, chunks.rest) == (content, trailers, REST)


def test_many_small_chunks_are_one_piece() -> None:
    chunks = Chunks(MessageLimits(), b"1\r\nx\r\n" * 40_000 + b"1\r\n")
    assert chunks.take() == b"x" * 40_000
    assert chunks.trailers is None


def test_a_line_without_end_is_malformed() -> None:
    chunks = Chunks(MessageLimits(head_bytes=100), b"1;" + b"a" * 90)
    assert chunks.take() == b""
    chunks.receive(b"a" * 20)
    with pytest.raises(MalformedChunks):
        chunks.take()


def test_a_trailer_full_of_blanks_is_read_in_one_go() -> None:
    value = b"a" + b" " * 60_000 + b"b"
    chunks = Chunks(MessageLimits(), b"0\r\nx: " + value + b" \t\r\n\r\n")
    assert (chunks.take(), chunks.trailers) == (b"", [("x", value)])
