"""How files are opened and looked up; these words are the same in every version of WASI, in this order."""

from __future__ import annotations

import enum
import functools


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


# Operations on flags take longer than a system call, and few combinations are in use.


@functools.cache
def is_contradiction(how: OpenFlags) -> bool:
    """Whether an open asks for a directory, and for something that is only done to files."""
    return OpenFlags.DIRECTORY in how and how != OpenFlags.DIRECTORY


@functools.cache
def may_change(how: OpenFlags, use: DescriptorFlags) -> bool:
    """Whether an open may change the file, or be of use to change it."""
    return bool(how & (OpenFlags.CREATE | OpenFlags.TRUNCATE)) or DescriptorFlags.WRITE in use


@functools.cache
def directory_flags(use: DescriptorFlags, read_only: bool) -> DescriptorFlags:
    """The flags of a directory that was opened."""
    kept = DescriptorFlags(0) if read_only else use & DescriptorFlags.MUTATE_DIRECTORY
    return DescriptorFlags.READ | kept


@functools.cache
def file_flags(how: OpenFlags, use: DescriptorFlags) -> DescriptorFlags:
    """The flags of a file that was opened: to be created or cut off it is opened to write."""
    use &= ~DescriptorFlags.MUTATE_DIRECTORY
    if DescriptorFlags.WRITE in use:
        return use
    return use | DescriptorFlags.READ | (DescriptorFlags.WRITE if may_change(how, use) else DescriptorFlags(0))
