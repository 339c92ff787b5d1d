"""How files are opened and looked up; these words are the same in every version of WASI, in this order."""

from __future__ import annotations

import enum


class PathFlags(enum.Flag):
    """How a path is resolved."""

    SYMLINK_FOLLOW = enum.auto()


class OpenFlags(enum.Flag):
    """What an open does to what it finds."""

    CREATE = enum.auto()
    DIRECTORY = enum.auto()
    EXCLUSIVE = enum.auto()
    TRUNCATE = enum.auto()


class DescriptorFlags(enum.Flag):
    """What a descriptor is for."""

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
