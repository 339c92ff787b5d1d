"""How files are opened that others may have made, or that others must not read: openers for `open`."""

from __future__ import annotations

import errno
import os
import stat


def regular(path: str, flags: int, *, dir_fd: int | None = None) -> int:
    """Opens a regular file to read; anything else, such as /dev/zero or a FIFO, may never end, or never begin.

    Errors: OSError, with EINVAL if it is not a regular file.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK, dir_fd=dir_fd)  # a FIFO would wait for a writer, open(2)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor


def private(path: str, flags: int) -> int:
    """Opens a file to write that only this user can read, also one that exists; devices and pipes stay as they are.

    Errors: OSError, with ENXIO for a FIFO without a reader, EPERM for the file of another user.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK, 0o600)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
        os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
