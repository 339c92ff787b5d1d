"""How files are opened and looked up; these words are the same in every version of WASI, in this order."""

from __future__ import annotations

import enum
import functools
from typing import Final

from wasihost._base.frozen import Frozen


class PathFlags(enum.Flag):
    """How a path is resolved."""

    SYMLINK_FOLLOW = enum.auto()


class OpenFlags(enum.Flag):
    """The effect of an open on the file that it finds."""

    __hash__ = object.__hash__  # there is one object for each combination, and `Flag` hashes in Python

    CREATE = enum.auto()
    DIRECTORY = enum.auto()
    EXCLUSIVE = enum.auto()
    TRUNCATE = enum.auto()


class DescriptorFlags(enum.Flag):
    """The use of a descriptor."""

    __hash__ = object.__hash__

    READ = enum.auto()
    WRITE = enum.auto()
    FILE_INTEGRITY_SYNC = enum.auto()
    DATA_INTEGRITY_SYNC = enum.auto()
    REQUESTED_WRITE_SYNC = enum.auto()
    MUTATE_DIRECTORY = enum.auto()


class Advice(enum.Enum):
    """How a guest is going to use a part of a file."""

    NORMAL = "normal"
    SEQUENTIAL = "sequential"
    RANDOM = "random"
    WILL_NEED = "will-need"
    DONT_NEED = "dont-need"
    NO_REUSE = "no-reuse"


# Operations on flags, and lookups in their classes, take longer than a system call, and few combinations are in use.

FOLLOW: Final = PathFlags.SYMLINK_FOLLOW
"""The flags of a path with a symbolic link at its end that is followed."""


class Opening(Frozen):
    """What the flags of an open ask for."""

    creates: bool
    is_exclusive: bool
    truncates: bool
    wants_directory: bool
    reads: bool
    writes: bool
    may_change: bool
    """Whether it may change the file, or is of use to change it."""
    is_contradiction: bool
    """Whether it asks for a directory, and for something that is only done to files."""
    flags: DescriptorFlags
    """Those of a file that was opened: to be created or cut off it is opened to write."""


@functools.cache
def opening(how: OpenFlags, use: DescriptorFlags) -> Opening:
    """What these flags ask for."""
    may_change = bool(how & (OpenFlags.CREATE | OpenFlags.TRUNCATE)) or DescriptorFlags.WRITE in use
    flags = use & ~DescriptorFlags.MUTATE_DIRECTORY
    if DescriptorFlags.WRITE not in use:
        flags |= DescriptorFlags.READ | (DescriptorFlags.WRITE if may_change else DescriptorFlags(0))
    return Opening(
        creates=OpenFlags.CREATE in how,
        is_exclusive=OpenFlags.CREATE | OpenFlags.EXCLUSIVE in how,
        truncates=OpenFlags.TRUNCATE in how,
        wants_directory=OpenFlags.DIRECTORY in how,
        reads=DescriptorFlags.READ in flags,
        writes=DescriptorFlags.WRITE in flags,
        may_change=may_change,
        is_contradiction=OpenFlags.DIRECTORY in how and how != OpenFlags.DIRECTORY,
        flags=flags,
    )


@functools.cache
def directory_flags(use: DescriptorFlags, read_only: bool) -> DescriptorFlags:
    """The flags of a directory that was opened."""
    kept = DescriptorFlags(0) if read_only else use & DescriptorFlags.MUTATE_DIRECTORY
    return DescriptorFlags.READ | kept
