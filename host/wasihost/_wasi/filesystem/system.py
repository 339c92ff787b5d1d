"""The system calls that `os` lacks: openat2(2), and utimensat(2) for one time of two."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from typing import Final, TypeAlias

Timespec: TypeAlias = tuple[int, int]
"""Seconds and nanoseconds."""

HAS_OPENAT2: Final = sys.platform == "linux" and os.uname().machine in (
    *("x86_64", "aarch64", "riscv64", "ppc64le", "s390x", "armv7l", "i686"),
)
NOW: Final = -1 if sys.platform == "darwin" else (1 << 30) - 1
"""UTIME_NOW, for nanoseconds."""
OMIT: Final = -2 if sys.platform == "darwin" else (1 << 30) - 2
"""UTIME_OMIT, for nanoseconds."""

_OPENAT2 = 437  # the same number on all of these machines
_BENEATH = 0x08 | 0x02  # RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, <linux/openat2.h>
_open_how = struct.Struct("=QQQ")
_AT_SYMLINK_NOFOLLOW = 0x20 if sys.platform == "darwin" else 0x100
_AT_EMPTY_PATH = 0x1000
_HAS_EMPTY_PATH = sys.platform == "linux"

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
_syscall.restype = ctypes.c_long


class _Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


_Times = _Timespec * 2
_utimensat = _libc.utimensat
_utimensat.argtypes = [ctypes.c_int, ctypes.c_char_p, _Times, ctypes.c_int]
_futimens = _libc.futimens
_futimens.argtypes = [ctypes.c_int, _Times]


def openat2(base: int, path: bytes, flags: int, mode: int) -> int:
    """Opens a path beneath `base`, close-on-exec. The path has no NUL: C would end there."""
    how = _open_how.pack(flags | os.O_CLOEXEC, mode if flags & os.O_CREAT else 0, _BENEATH)
    while (fd := _syscall(_OPENAT2, base, path, how, len(how))) < 0:
        _raise_unless_interrupted()
    return int(fd)


def set_times(fd: int, accessed: Timespec, modified: Timespec) -> None:
    """Sets the access and modification time of the inode of `fd`, also if it was opened only as a place (O_PATH)."""
    times = _times(accessed, modified)
    while (_utimensat(fd, b"", times, _AT_EMPTY_PATH) if _HAS_EMPTY_PATH else _futimens(fd, times)) < 0:
        _raise_unless_interrupted()


def set_times_at(base: int, name: bytes, accessed: Timespec, modified: Timespec) -> None:
    """The same of a name in a directory; of a symbolic link itself."""
    times = _times(accessed, modified)
    while _utimensat(base, name, times, _AT_SYMLINK_NOFOLLOW) < 0:
        _raise_unless_interrupted()


def _times(accessed: Timespec, modified: Timespec) -> ctypes.Array[_Timespec]:
    return _Times(_Timespec(*accessed), _Timespec(*modified))


def _raise_unless_interrupted() -> None:
    code = ctypes.get_errno()
    if code != errno.EINTR:
        raise OSError(code, os.strerror(code))
