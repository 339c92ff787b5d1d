"""What is read of a recording about what guests have left behind."""

from __future__ import annotations

from ipaddress import IPv4Address

from wasihost._network.base import Address
from wasihost._pytest.leaks import guests
from wasihost._recording import events

STARTED = events.GuestStarted(0, 1, "guest.wasm", (), None)
ENDED = events.GuestEnded(9, 1, 0, None)
PEER = Address(IPv4Address("10.0.0.2"), 4000)
CREATED = events.Created(1, 1, 1, "tcp", 4)
ACCEPTED = events.Accepted(2, 1, 1, 2, PEER, PEER)


def test_a_guest_that_has_not_ended_is_running() -> None:
    assert guests([STARTED, CREATED]) == [
        "guest guest.wasm is still running: await its run, or use `async with guest.running()`"
    ]


def test_sockets_that_were_not_closed_at_the_end_are_open() -> None:
    assert guests([STARTED, CREATED, ACCEPTED, ENDED]) == [
        "socket #1 (tcp) of guest 1 is still open",
        "socket #2, accepted from 10.0.0.2:4000, of guest 1 is still open",
    ]


def test_closed_and_reset_sockets_are_not_open() -> None:
    closed = events.Closed(3, 1, 1), events.Aborted(3, 1, 2)
    assert guests([STARTED, CREATED, ACCEPTED, *closed, ENDED]) == []


def test_what_a_guest_has_that_began_before_is_its_own() -> None:
    assert guests([CREATED, ACCEPTED]) == []
