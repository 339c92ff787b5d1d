"""The records and variants of `wasi:filesystem/types`, and their counterparts in the core."""

from __future__ import annotations

import errno
from typing import ClassVar, NamedTuple, TypeAlias

from wasihost._base.clock import NS_PER_S
from wasihost._base.frozen import Frozen
from wasihost._network.base import os_error
from wasihost._wasi.filesystem import paths
from wasihost._wasi.filesystem.metadata import Kind, NewTime, Stat, When, new_time
from wasihost._wasi.filesystem.nodes import Entry
from wasihost._wasi.p2.clocks.wall_clock import Datetime


class DescriptorStat(NamedTuple):
    """WIT: `record descriptor-stat`."""

    type: Kind
    link_count: int
    size: int
    data_access_timestamp: Datetime | None
    data_modification_timestamp: Datetime | None
    status_change_timestamp: Datetime | None


class DirectoryEntry(NamedTuple):
    """WIT: `record directory-entry`."""

    type: Kind
    name: str


class NewTimestamp:
    """WIT: `variant new-timestamp`."""

    class NoChange(Frozen):
        """Leave it."""

        case: ClassVar[str] = "no-change"

    class Now(Frozen):
        """The time of the host's file system."""

        case: ClassVar[str] = "now"

    class Timestamp(Frozen):
        """This time."""

        case: ClassVar[str] = "timestamp"
        value: Datetime


AnyNewTimestamp: TypeAlias = NewTimestamp.NoChange | NewTimestamp.Now | NewTimestamp.Timestamp


def to_stat(stat: Stat) -> DescriptorStat:
    """The guest's record; none for a time before 1970, which 0.2 cannot express."""
    kind, size, links, accessed, modified, changed = stat
    return DescriptorStat(kind, links, size, _datetime(accessed), _datetime(modified), _datetime(changed))


def _datetime(ns: int | None) -> Datetime | None:
    # As Datetime(*divmod(…)), in two thirds of the time: guests ask for the times of very many files.
    return None if ns is None or ns < 0 else tuple.__new__(Datetime, divmod(ns, NS_PER_S))


def to_new_time(timestamp: AnyNewTimestamp) -> NewTime:
    """The core's time. Errors: OSError, EOVERFLOW."""
    match timestamp:
        case NewTimestamp.NoChange():
            return When.NO_CHANGE
        case NewTimestamp.Now():
            return When.NOW
        case NewTimestamp.Timestamp(value=value):
            return new_time(value.seconds, value.nanoseconds)


def to_entry(entry: Entry) -> DirectoryEntry:
    """The guest's entry. Errors: OSError, EILSEQ if the name is not UTF-8."""
    name, kind = entry
    if not paths.is_text(name):
        raise os_error(errno.EILSEQ)
    return DirectoryEntry(kind, name)
