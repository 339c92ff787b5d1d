"""Holds the states of calls and pumps to their tables while a test runs: import the fixture into a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import pytest

from wasihost._component.running.exports import states as calls
from wasihost._component.running.exports.call import GuestCall
from wasihost._component.running.streams import incoming, outgoing
from wasihost._component.running.streams import states as pumps

Table = Mapping[Any, tuple[Any, ...]]

TABLES: Mapping[type, Table] = {
    GuestCall: calls.TRANSITIONS,
    outgoing.OutPump: pumps.OUTGOING,
    outgoing.FutureOutPump: pumps.FUTURE,
    incoming.ByteInPump: pumps.INCOMING,
    incoming.Reader: pumps.READER,
    incoming.FutureReader: pumps.READER,
}


@pytest.fixture(autouse=True)
def states_follow_their_tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    wrong: list[tuple[str, Enum, Enum]] = []
    for cls, table in TABLES.items():
        _watch(monkeypatch, cls, table, wrong)
    yield
    assert wrong == []


def _watch(monkeypatch: pytest.MonkeyPatch, cls: type, table: Table, wrong: list[tuple[str, Enum, Enum]]) -> None:
    def watched(self: Any, name: str, value: Any) -> None:
        before = getattr(self, name, None) if name == "state" else None
        if before is not None and value not in table[before]:
            wrong.append((cls.__name__, before, value))
        object.__setattr__(self, name, value)

    monkeypatch.setattr(cls, "__setattr__", watched)
