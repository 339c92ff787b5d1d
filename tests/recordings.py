"""Recordings for tests: changed ones, and Hypothesis strategies for events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, get_args

from hypothesis import strategies as st

from wasihost._network.base import Address, Option
from wasihost._recording import Recording
from wasihost._recording.events import EVENTS, Direction, Event, Side, StandardStream, Transport, Way


def replaced(event: Event, **fields: object) -> Event:
    """The event with other fields."""
    names: tuple[str, ...] = event.__match_args__
    values: list[Any] = [fields.get(name, getattr(event, name)) for name in names]
    return type(event)(*values)


def edited(recording: Recording, edit: Callable[[Event], Sequence[Event]]) -> Recording:
    """A recording with what `edit` makes of each event."""
    made = Recording()
    made.events = [new for event in recording.events for new in edit(event)]
    return made


def kinds(recording: Recording) -> list[str]:
    """What happened, without what and when."""
    return [event.kind for event in recording.events]


# ---- strategies

_IPS = st.builds(IPv4Address, st.integers(0, 2**32 - 1)) | st.builds(IPv6Address, st.integers(0, 2**128 - 1))
_PORTS = st.integers(0, 0xFFFF)
_ADDRESSES = st.builds(Address, st.builds(IPv4Address, st.integers(0, 2**32 - 1)), _PORTS) | st.builds(
    Address,
    st.builds(IPv6Address, st.integers(0, 2**128 - 1)),
    _PORTS,
    st.integers(0, 2**20 - 1),
    st.integers(0, 2**32 - 1),
)
_TEXTS = st.text()
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "int | None": st.none() | st.integers(),
    "str": _TEXTS,
    "str | None": st.none() | _TEXTS,
    "bool": st.booleans(),
    "bytes": st.binary() | st.text().map(str.encode),
    "Address": _ADDRESSES,
    "Address | None": st.none() | _ADDRESSES,
    "Family": st.sampled_from([4, 6]),
    "Option": st.sampled_from(Option),
    "tuple[str, ...]": st.lists(_TEXTS).map(tuple),
    "tuple[IpAddress, ...]": st.lists(_IPS).map(tuple),
    "Transport": st.sampled_from(get_args(Transport)),
    "Direction": st.sampled_from(get_args(Direction)),
    "Side": st.sampled_from(get_args(Side)),
    "Headers": st.lists(st.tuples(_TEXTS, st.binary())).map(tuple),
    "Way": st.sampled_from(get_args(Way)),
    "StandardStream": st.sampled_from(get_args(StandardStream)),
}


def _of_kind(kind: type[Event]) -> st.SearchStrategy[Event]:
    annotations: dict[str, str] = {}
    for base in kind.__mro__:
        annotations |= getattr(base, "__annotations__", {})
    names: tuple[str, ...] = kind.__match_args__
    return st.tuples(*(_FIELDS[annotations[name]] for name in names)).map(lambda values: kind(*values))


EVERY_EVENT = st.one_of(*map(_of_kind, EVENTS.values()))
