"""GOAWAY is taken out of other frames, however they are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasihost._http.http2.frames import BadFrame, Frames, goaway

PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + b"\x07" * 8
DATA = b"\x00\x00\x03\x00\x00\x00\x00\x00\x01abc"
EMPTY = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@given(st.lists(st.sampled_from([PING, DATA, EMPTY, goaway(5), goaway(7, 2)])), st.lists(st.integers(0, 200)))
def test_frames_pass_as_they_are_and_goaways_apart(frames: list[bytes], cuts: list[int]) -> None:
    sent = b"preface" + b"".join(frames)
    ends = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    taken = Frames(skip=7)
    passed = b""
    found: list[int] = []
    for start, end in itertools.pairwise(ends):
        data, goaways = taken.take(sent[start:end])
        passed += data
        found += [frame.last_stream_id for frame in goaways]
    assert passed == b"preface" + b"".join(frame for frame in frames if frame in (PING, DATA, EMPTY))
    assert found == [{goaway(5): 5}.get(frame, 7) for frame in frames if frame not in (PING, DATA, EMPTY)]


@pytest.mark.parametrize("kind", [0, 7])
def test_a_frame_that_is_too_long_is_refused_before_it_has_come(kind: int) -> None:
    with pytest.raises(BadFrame):
        Frames(skip=0).take(b"\x00\x40\x01%c\x00\x00\x00\x00\x00" % kind)


@pytest.mark.parametrize("sent", [goaway(1)[:8] + b"\x01" + bytes(8), b"\0\0\x02\x07\0\0\0\0\0ab"])
def test_a_goaway_of_a_stream_or_without_its_fields_is_refused(sent: bytes) -> None:
    with pytest.raises(BadFrame):
        Frames(skip=0).take(sent)
