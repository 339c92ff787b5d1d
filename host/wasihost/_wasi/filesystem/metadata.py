"""The metadata of a file: its type, size and times."""

from __future__ import annotations

import enum
import errno
import stat
import struct
from typing import Final, NamedTuple, TypeAlias

from wasihost._base.clock import NS_PER_S
from wasihost._network.base import os_error
from wasihost._wasi.filesystem import system


class Kind(enum.Enum):
    """The kind of a file."""

    __hash__ = object.__hash__  # a kind is itself and no other: the hash of its name takes five times as long

    UNKNOWN = "unknown"
    BLOCK_DEVICE = "block-device"
    CHARACTER_DEVICE = "character-device"
    DIRECTORY = "directory"
    FIFO = "fifo"
    SYMBOLIC_LINK = "symbolic-link"
    REGULAR_FILE = "regular-file"
    SOCKET = "socket"


# Names of their own: CPython 3.11 takes 50 to 130 ns to find a member of an enum.
DIRECTORY: Final = Kind.DIRECTORY
SYMBOLIC_LINK: Final = Kind.SYMBOLIC_LINK
REGULAR_FILE: Final = Kind.REGULAR_FILE
UNKNOWN: Final = Kind.UNKNOWN

_FORMAT: Final = 0o170000  # S_IFMT
_KINDS: Final = {
    stat.S_IFBLK: Kind.BLOCK_DEVICE,
    stat.S_IFCHR: Kind.CHARACTER_DEVICE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFLNK: Kind.SYMBOLIC_LINK,
    stat.S_IFREG: Kind.REGULAR_FILE,
    stat.S_IFSOCK: Kind.SOCKET,
}


def kind_of(mode: int) -> Kind:
    """The kind in a mode of stat(2)."""
    return _KINDS.get(mode & _FORMAT, UNKNOWN)


Identity: TypeAlias = tuple[int, int]
"""Device and inode, which no two files share at the same time."""


class Stat(NamedTuple):
    """The part of stat(2) that guests get; times in nanoseconds since 1970, None if there is none."""

    kind: Kind
    size: int
    links: int = 1
    accessed_ns: int | None = None
    modified_ns: int | None = None
    changed_ns: int | None = None


class When(enum.Enum):
    """A new time of a file that is no number."""

    NO_CHANGE = system.OMIT
    NOW = system.NOW


NewTime: TypeAlias = "int | When"
"""Nanoseconds since 1970, or one of these."""


def new_time(seconds: int, nanoseconds: int) -> NewTime:
    """A time from its two parts; nanoseconds may be more than a second. Errors: OSError, EOVERFLOW."""
    ns = seconds * NS_PER_S + nanoseconds
    if not -(1 << 63) <= ns // NS_PER_S < 1 << 63:
        raise os_error(errno.EOVERFLOW)
    return ns


_halves = struct.Struct("=QQ")
_LARGEST: Final = (1 << 64) - 1


class IdentityHash:
    """Hashes identities under a key: 128 bits in two halves, the first not 0, which C libraries use as the inode.

    Only of the identity: a hash of size and time would change while a file is written, and be the same for copies.
    """

    def __init__(self, key: bytes) -> None:
        import hashlib  # a millisecond, for guests that ask for hashes

        self._keyed = hashlib.blake2b(digest_size=16, key=key)

    def __call__(self, identity: Identity) -> tuple[int, int]:
        device, inode = identity
        state = self._keyed.copy()
        state.update(_halves.pack(device & _LARGEST, inode & _LARGEST))
        lower, upper = _halves.unpack(state.digest())
        return lower or 1, upper
