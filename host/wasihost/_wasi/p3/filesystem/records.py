"""The records and variants of `wasi:filesystem/types`, and their counterparts in the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, TypeAlias

from wasihost._base.clock import NS_PER_S
from wasihost._base.frozen import Frozen
from wasihost._component.values import Columns
from wasihost._wasi.filesystem.metadata import Kind, NewTime, Stat, When, new_time
from wasihost._wasi.p3.clocks.system_clock import Instant


class TypeCase(Frozen):
    """Any case of `descriptor-type`."""

    case: ClassVar[str]


class DescriptorType:
    """WIT: `variant descriptor-type`, one class per case."""

    class BlockDevice(TypeCase):
        """A block device."""

        case = "block-device"

    class CharacterDevice(TypeCase):
        """A character device."""

        case = "character-device"

    class Directory(TypeCase):
        """A directory."""

        case = "directory"

    class Fifo(TypeCase):
        """A named pipe."""

        case = "fifo"

    class SymbolicLink(TypeCase):
        """A symbolic link."""

        case = "symbolic-link"

    class RegularFile(TypeCase):
        """A regular file."""

        case = "regular-file"

    class Socket(TypeCase):
        """A socket."""

        case = "socket"

    class Other(TypeCase):
        """Anything else."""

        case = "other"
        value: str | None


_TYPES: dict[Kind, TypeCase] = {
    Kind.BLOCK_DEVICE: DescriptorType.BlockDevice(),
    Kind.CHARACTER_DEVICE: DescriptorType.CharacterDevice(),
    Kind.DIRECTORY: DescriptorType.Directory(),
    Kind.FIFO: DescriptorType.Fifo(),
    Kind.SYMBOLIC_LINK: DescriptorType.SymbolicLink(),
    Kind.REGULAR_FILE: DescriptorType.RegularFile(),
    Kind.SOCKET: DescriptorType.Socket(),
    Kind.UNKNOWN: DescriptorType.Other(None),
}


class DescriptorStat(NamedTuple):
    """WIT: `record descriptor-stat`."""

    type: TypeCase
    link_count: int
    size: int
    data_access_timestamp: Instant | None
    data_modification_timestamp: Instant | None
    status_change_timestamp: Instant | None


class DirectoryEntry(NamedTuple):
    """WIT: `record directory-entry`."""

    type: TypeCase
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
        value: Instant


AnyNewTimestamp: TypeAlias = NewTimestamp.NoChange | NewTimestamp.Now | NewTimestamp.Timestamp


def to_type(kind: Kind) -> TypeCase:
    """The guest's type of a kind."""
    return _TYPES[kind]


def to_stat(stat: Stat) -> DescriptorStat:
    """The guest's record of metadata."""
    kind, size, links, accessed, modified, changed = stat
    return DescriptorStat(_TYPES[kind], links, size, _instant(accessed), _instant(modified), _instant(changed))


def _instant(ns: int | None) -> Instant | None:
    # As Instant(*divmod(…)), in two thirds of the time: guests ask for the times of very many files.
    return None if ns is None else tuple.__new__(Instant, divmod(ns, NS_PER_S))


def to_new_time(timestamp: AnyNewTimestamp) -> NewTime:
    """The core's time. Errors: OSError, EOVERFLOW."""
    match timestamp:
        case NewTimestamp.NoChange():
            return When.NO_CHANGE
        case NewTimestamp.Now():
            return When.NOW
        case NewTimestamp.Timestamp(value=value):
            return new_time(value.seconds, value.nanoseconds)


def to_entries(names: Sequence[str], kinds: Sequence[Kind]) -> Sequence[DirectoryEntry]:
    """The guest's entries."""
    return Columns(DirectoryEntry, list(map(_TYPES.__getitem__, kinds)), names)
