from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recordings import EVERY_EVENT
from wasihost._base.errors import RecordingError
from wasihost._network.base import Address
from wasihost._recording import Recording
from wasihost._recording.events import EVENTS, Event, GuestStarted, Resolved, Sent
from wasihost._recording.transcript import (
    Header,
    encode_address,
    encode_bytes,
    error_from_name,
    error_name,
    event_line,
    header_line,
    read,
)

HEADER = header_line(Header(5))
SENT = {"time_ns": 1, "guest": 0, "event": "sent", "socket": 1, "data": "hello"}


def line(**fields: object) -> bytes:
    return json.dumps({name: value for name, value in (SENT | fields).items() if value is not ...}).encode() + b"\n"


def complaint(*lines: bytes) -> str:
    with pytest.raises(RecordingError) as caught:
        read(lines, "run.jsonl")
    return str(caught.value)


# ---- round trips


@given(st.lists(EVERY_EVENT))
def test_every_event_comes_back(events: list[Event]) -> None:
    lines = [HEADER, *map(event_line, events)]
    assert read(lines, "") == (Header(5), events)
    assert all(line.count(b"\n") == 1 for line in lines)


def test_every_kind_has_a_name_of_its_own() -> None:
    assert list(EVENTS)[:9] == (
        "created bound connecting connected disconnected listening accepted sent received".split()
    )
    assert len({event.kind for event in EVENTS.values()}) == len(EVENTS)


def test_a_saved_recording_can_be_loaded(tmp_path: Path) -> None:
    recording = Recording()
    recording.add(Sent(recording.now_ns(), 0, 1, b"\0"))
    recording.save(tmp_path / "run.jsonl")
    loaded = Recording.load(tmp_path / "run.jsonl")
    assert (loaded.header, loaded.events) == (recording.header, recording.events)


def test_a_seed_may_have_any_size() -> None:
    event = GuestStarted(0, 1, "guest.wasm", (), 10**100)
    assert read([HEADER, event_line(event)], "")[1] == [event]


@pytest.mark.parametrize("name", ["guest-\udcff.wasm", "ünï.wasm"])
def test_the_name_of_a_file_that_is_not_utf_8_comes_back(name: str) -> None:
    event = GuestStarted(0, 1, name, (name,), None)
    assert read([HEADER, event_line(event)], "")[1] == [event]


# ---- how it looks


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"),
        ("zwölf\t".encode(), "zwölf\t"),
        (b"", ""),
        (b"\xff", {"base64": "/w=="}),
        (b"\x1b[0m", {"base64": "G1swbQ=="}),
        ("\u2028".encode(), {"base64": "4oCo"}),
    ],
)
def test_bytes_that_can_be_read_stand_as_text(data: bytes, shown: object) -> None:
    assert encode_bytes(data) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (Address(IPv4Address("10.0.0.1"), 80), "10.0.0.1:80"),
        (Address(IPv6Address("::1"), 80), "[::1]:80"),
        (Address(IPv6Address("fe80::1"), 80, 0, 2), "[fe80::1%2]:80"),
        (Address(IPv6Address("fe80::1"), 80, 7, 2), "[fe80::1%2]:80 flow 7"),
    ],
)
def test_addresses_are_written_as_they_are_spoken(address: Address, shown: str) -> None:
    assert encode_address(address) == shown


def test_a_line_can_be_searched_for_what_was_sent() -> None:
    assert event_line(Sent(1, 0, 1, b"hello")) == line()


# ---- what is wrong


def test_an_empty_file_is_no_recording() -> None:
    assert complaint() == "run.jsonl:1: not a recording: the file is empty"


def test_something_else_is_no_recording() -> None:
    assert complaint(b'{"format": "har"}\n').startswith('run.jsonl:1: not a recording: expected a header with "format"')
    assert complaint(b"[1]\n") == "run.jsonl:1: expected an object, got [1]"


def test_a_newer_version_is_told_with_who_can_read_it() -> None:
    header = json.loads(HEADER) | {"version": 2, "wasihost": "9.0"}
    message = complaint(json.dumps(header).encode() + b"\n")
    assert message.startswith("run.jsonl:1: version 2 of the format; wasihost ")
    assert message.endswith("read it with the wasihost that wrote it, 9.0")


def test_a_line_that_is_cut_off_is_named() -> None:
    assert complaint(HEADER, line(), line()[:-9]).startswith("run.jsonl:3: the line is cut off")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (b"{\n", "not JSON: Expecting property name"),
        (b"[" * 100_000 + b"\n", "not JSON of ours: nested too deep"),
        (b'{"event": ' + b"[" * 500 + b"]" * 500 + b"}\n", "expected a string of Unicode, got [[["),
        (b'{"event": ' + b"9" * 5001 + b"}\n", "not JSON: Exceeds the limit (4300 digits)"),
        (b"7\n", "expected an object, got 7"),
        (line(event=...), "there is no field 'event'"),
        (line(event="snet"), "there is no event 'snet'; those of version 1 are created, bound,"),
        (line(event=7), "expected a string of Unicode, got 7"),
        (line(event="\ud800"), 'expected a string of Unicode, got "\\ud800"'),
        (line(time_ns=2**63), "sent: time_ns: expected an integer of 64 bits, got 9223372036854775808"),
        (line(socket=-(10**4000)), "sent: socket: expected an integer of 64 bits, got -1000"),
        (
            line(event="datagram-sent", remote="10.0.0.1:1", data="x" * 65_508),
            "datagram-sent: data: a datagram has at most 65507 bytes, got 65508",
        ),
        (line(event="datagram-sent", remote="[::1]:1 flow 4294967296"), "datagram-sent: remote: expected an address"),
        (line(event="datagram-sent", remote="[::1%4294967296]:1"), "datagram-sent: remote: expected an address"),
        (line(socket=...), "sent: socket: there is no field 'socket'"),
        (line(socket="1"), 'sent: socket: expected an integer, got "1"'),
        (line(socket=True), "sent: socket: expected an integer, got true"),
        (line(time_ns=1.5), "sent: time_ns: expected an integer, got 1.5"),
        (line(data={"base64": "?"}), 'sent: data: expected a string, or {"base64": "…"} in Base64'),
        (line(data=[1]), "sent: data: expected a string, or"),
        (line(date=1), "sent: there is no field 'date'; it has time_ns, guest, socket, data"),
        (
            line(event="shut-down", direction="up", data=...),
            'shut-down: direction: expected "read" or "write", got "up"',
        ),
        (
            line(event="datagram-sent", remote="10.0.0.1"),
            "datagram-sent: remote: expected an address, such as 127.0.0.1:80",
        ),
        (line(event="datagram-sent", remote="10.0.0.1:99999"), "datagram-sent: remote: expected an address"),
        (line(event="datagram-sent", remote="10.0.0.256:1"), "datagram-sent: remote: expected an address"),
        (line(event="option-set", option="TTL", value=1, data=...), "option-set: option: expected one of KEEP_ALIVE,"),
        (line(event="created", protocol="tcp", family=5, data=...), "created: family: expected 4 or 6, got 5"),
    ],
)
def test_what_is_wrong_with_a_line_is_told_with_its_number(wrong: bytes, message: str) -> None:
    assert complaint(HEADER, line(), wrong).startswith(f"run.jsonl:3: {message}")


@given(st.integers(0, 400), st.binary(max_size=3))
def test_a_garbled_transcript_is_read_or_refused_but_never_worse(position: int, garbage: bytes) -> None:
    event = Resolved(1, 2, "db", (IPv4Address("10.0.0.1"), IPv6Address("::1")), None)
    whole = HEADER + line() + event_line(event)
    position = min(position, len(whole))
    text = whole[:position] + garbage + whole[position + len(garbage) :]
    with contextlib.suppress(RecordingError):
        read(text.splitlines(keepends=True), "run.jsonl")


# ---- errors


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)), "ECONNREFUSED"),
        (OSError(errno.ECONNREFUSED, "no"), "ECONNREFUSED: no"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "EAI_NONAME"),
        (socket.gaierror(socket.EAI_MEMORY, "no room"), "EAI_MEMORY: no room"),
        (OSError("out of patience"), "out of patience"),
    ],
)
def test_an_error_is_told_by_its_name_and_comes_back(error: OSError, name: str) -> None:
    assert error_name(error) == name
    again = error_from_name(name)
    assert (type(again), again.errno) == (type(error), error.errno)
    assert error_name(again) == name


@pytest.mark.parametrize("name", ["EDOTDOTDOT", "errorcode", "__name__"])
def test_an_error_that_this_system_does_not_know_is_its_name(name: str) -> None:
    assert str(error_from_name(name)) == name
