"""Waiting until a file descriptor can be read or written, without changing anything about it.

Theory of operation. The standard streams are shared with other processes, the shell among them, and O_NONBLOCK belongs
to the shared file (open(2), "open file description"): setting it would change their files too, and stay set after a
crash. So the flag is left alone; poll(2) says beforehand whether a call would block. Two things follow. Only as much
may be written as poll promises room for, see `outputs`. And another process that uses the same file between poll and
the call can still make the call wait, until that file is ready again.

The event loop watches a duplicate of the descriptor, which exists only as long as there is a waiter: the loop knows one
callback per descriptor, and neither another stream's nor the embedder's own may be replaced.
"""

from __future__ import annotations

import asyncio
import io
import os
import select
import socket
import stat
from collections.abc import Callable
from functools import partial


def descriptor(file: object) -> int | None:
    """The descriptor below a file object; None for other objects.

    Only Python's own plain layers are looked through: others, like gzip's, have a `fileno` and change the bytes.
    """
    if isinstance(file, io.TextIOWrapper):
        file = file.buffer
    if isinstance(file, io.BufferedReader | io.BufferedWriter | io.BufferedRandom):
        file = file.raw
    if isinstance(file, io.FileIO | socket.SocketIO):
        file = file.fileno()
    return file if isinstance(file, int) else None


def pollable(file: object) -> int | None:
    """The descriptor below a file object if reads or writes may have to wait: of all but regular files."""
    fd = descriptor(file)
    return fd if fd is not None and not stat.S_ISREG(os.fstat(fd).st_mode) else None


class Readiness:
    """Whether a descriptor is ready to be read or, with `write`, to be written; one of None always is."""

    def __init__(self, fd: int | None, write: bool = False) -> None:
        self.fd = fd
        self._write = write
        self._callback: Callable[[], None] = lambda: None
        self._cancel: Callable[[], None] | None = None  # not None while there is a waiter
        self._poll = select.poll()
        if fd is not None:
            self._poll.register(fd, select.POLLOUT if write else select.POLLIN)

    def now(self) -> bool:
        """Whether it is ready; it also is when the call would fail at once."""
        return self.fd is None or bool(self._poll.poll(0))

    def wait(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once, from the event loop, when it is ready."""
        self.cancel()
        self._callback = callback
        loop = asyncio.get_running_loop()
        if self.fd is None or self.now():  # epoll refuses files that are always ready, such as /dev/null
            self._cancel = loop.call_soon(self._ready).cancel
            return
        watched = os.dup(self.fd)
        add, remove = (loop.add_writer, loop.remove_writer) if self._write else (loop.add_reader, loop.remove_reader)
        add(watched, self._ready)
        self._cancel = partial(_forget, remove, watched)

    def wake(self) -> None:
        """Calls the callback of the waiter in the next pass of the event loop, ready or not."""
        if self._cancel is not None:
            self.cancel()
            self._cancel = asyncio.get_running_loop().call_soon(self._ready).cancel

    def cancel(self) -> None:
        """Forgets the callback, if there is one."""
        cancel = self._cancel
        self._cancel = None
        if cancel is not None:
            cancel()

    def _ready(self) -> None:
        self.cancel()
        self._callback()


def _forget(remove: Callable[[int], object], watched: int) -> None:
    remove(watched)
    os.close(watched)
