"""The log of refusals, which has a bound."""

from __future__ import annotations

import logging
from ipaddress import ip_address

import pytest

from wasihost import Decision
from wasihost._network.base import Address
from wasihost._policy import Rules, SocketAddressUse
from wasihost._policy.asking import Asker
from wasihost._policy.refusals import MOST_A_SECOND, Refusals

PEER = Address(ip_address("10.0.0.1"), 443)


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _asker(decisions: list[Decision]) -> tuple[Asker, Clock]:
    asker, clock = Asker(Rules(), "guest.wasm", decisions.append), Clock()
    asker._refusals = Refusals("guest.wasm", clock)
    return asker, clock


def _refuse(asker: Asker, count: int) -> None:
    for _ in range(count):
        asker.ask(PEER, SocketAddressUse.UDP_RECEIVE)


def test_a_flood_of_refusals_is_logged_so_often_and_the_rest_counted(caplog: pytest.LogCaptureFixture) -> None:
    decisions: list[Decision] = []
    asker, clock = _asker(decisions)
    _refuse(asker, 20_000)
    assert (len(caplog.records), len(decisions)) == (MOST_A_SECOND, 20_000)
    clock.now_s = 1.0
    _refuse(asker, 1)
    counted, last = caplog.records[MOST_A_SECOND:]
    assert counted.getMessage() == f"refused {20_000 - MOST_A_SECOND} more uses within a second"
    assert counted.levelno == logging.WARNING
    assert (counted.__dict__["guest"], counted.__dict__["refusals"]) == ("guest.wasm", 20_000 - MOST_A_SECOND)
    assert last.__dict__["decision"] == decisions[-1]


def test_each_guest_and_each_second_has_a_bound_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    (first, clock), (second, _) = _asker([]), _asker([])
    for _ in range(3):
        _refuse(first, MOST_A_SECOND)
        clock.now_s += 1
    _refuse(second, MOST_A_SECOND)
    assert len(caplog.records) == 4 * MOST_A_SECOND
    assert all("more" not in record.getMessage() for record in caplog.records)


def test_lookups_count_too(caplog: pytest.LogCaptureFixture) -> None:
    asker, _ = _asker([])
    for number in range(MOST_A_SECOND + 1):
        asker.ask_about_name(f"{number}.test")
    asker.close()
    assert caplog.messages[-1] == "refused 1 more uses within a second"
    asker.close()
    assert len(caplog.records) == MOST_A_SECOND + 1
