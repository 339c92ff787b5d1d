"""Content that a guest of 0.2 writes; rust-p2-http has the rest."""

from __future__ import annotations

import pytest

from wasihost._http.errors import ErrorCode, HttpError
from wasihost._wasi.http.bodies import BrokenOff, Length
from wasihost._wasi.http.fields import Room
from wasihost._wasi.http.writing import WrittenBody

PART = memoryview(b"x" * 40_000)


def _body(room: Room) -> WrittenBody:
    return WrittenBody(Length(None, ErrorCode.HTTP_REQUEST_BODY_SIZE), room)


async def test_a_sink_takes_parts_until_64_kib_are_unread() -> None:
    body = _body(Room())
    sink = body.sink()
    assert [sink.write(PART), sink.write(PART)] == [40_000, 40_000]
    with pytest.raises(BlockingIOError):
        sink.write(PART)
    assert len(await body.read()) == 65_536
    assert sink.write(PART) == 40_000


async def test_what_is_unread_takes_room_that_all_bodies_of_a_guest_share() -> None:
    room = Room()
    before = room.left
    bodies = [_body(room), _body(room)]
    for body in bodies:
        body.sink().write(PART)
    assert before - room.left == 80_000
    await bodies[0].read()
    bodies[1].close()
    assert room.left == before
    room.left = 100
    with pytest.raises(BrokenOff):
        bodies[0].put(PART)
    with pytest.raises(HttpError):
        bodies[0].finish([])
