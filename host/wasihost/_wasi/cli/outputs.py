"""Where stdout and stderr go, and the sink that takes the bytes of a stream of the guest there.

Theory of operation. All streams that the guest opens on its stdout share one `Output`. For the guest a write has ended
once its block was taken, written or not. So sinks take turns: a sink with a block waits in line until all of it is
written, and only the first in line writes. Otherwise bytes that the guest wrote later, to another stream, could come
out earlier, or in the middle of the block.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import io
import os
import select
import stat
import sys
from collections.abc import Callable
from typing import IO, Any, Final, Literal, TypeAlias

from wasihost._base.errors import GuestExit
from wasihost._base.streams import ByteSink
from wasihost._wasi.cli.readiness import Readiness, descriptor, pollable

_PIECE: Final = 1 << 16  # for a regular file; Linux looks for large pages for a large write, which can take it long
BROKEN_PIPE: Final = 141
"""As a shell reports a program that SIGPIPE ended: 128 and the signal's number."""

FileTarget: TypeAlias = int | IO[bytes] | IO[str] | Callable[[bytes], object]
Write: TypeAlias = Callable[[memoryview], int]


class Printed:
    """`sys.stdout` or `sys.stderr`, whatever that is when something is written, as for `print`.

    pytest, Jupyter and `contextlib.redirect_stdout` replace them. A process that was started without one has None.
    """

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self._name = name

    @property
    def target(self) -> FileTarget:
        """Where it goes now."""
        stream: FileTarget | None = getattr(sys, self._name)
        return _discard if stream is None else stream


def _discard(data: bytes) -> None:
    pass


class Output:
    """One stdout or stderr.

    `target` is a file descriptor, a binary or text file object (which gets the bytes decoded as UTF-8 where it has no
    binary `buffer`), a callable that takes each block as bytes, or `Printed`. It is never closed.
    With `sigpipe` a write that has no reader any more (EPIPE) ends the guest with the exit code of a program that
    SIGPIPE ended; otherwise the guest gets an error. `on_write` is called with the written bytes.
    """

    def __init__(
        self,
        target: FileTarget | Printed,
        *,
        sigpipe: bool = False,
        on_write: Callable[[bytes], object] | None = None,
    ) -> None:
        self._printed = target if isinstance(target, Printed) else None
        self._sigpipe = sigpipe
        self._on_write = on_write
        self._target: FileTarget | None = None  # until something is written
        if not isinstance(target, Printed):
            self._use(target)
        # The sinks with a block to write, first come first, and the callbacks for their turns.
        self._line: dict[OutputSink, Callable[[], None] | None] = {}

    @property
    def is_observed(self) -> bool:
        """Whether there is an `on_write`."""
        return self._on_write is not None

    @property
    def target(self) -> FileTarget:
        """Where the output goes now."""
        self._look()
        assert self._target is not None
        return self._target

    @property
    def fd(self) -> int | None:
        """Its descriptor, if a write to it may have to wait."""
        self._look()
        return self._fd

    def _look(self) -> None:
        if self._printed is not None and (target := self._printed.target) is not self._target:
            self._use(target)

    def _use(self, target: FileTarget) -> None:
        self._target = target  # a file object without references closes its descriptor
        self._fd = pollable(target)
        self._write = _writer(target, self._fd)

    def write(self, sink: OutputSink, view: memoryview) -> int:
        """Takes the beginning of `view`; `sink` waits in line until all of it is taken."""
        if self._line:
            return self._write_in_turn(sink, view)
        try:
            taken = self.write_now(view)
        except BlockingIOError:
            self._line[sink] = None
            raise
        if taken < len(view):
            self._line[sink] = None
        return taken

    def _write_in_turn(self, sink: OutputSink, view: memoryview) -> int:
        self._line.setdefault(sink)
        if self._first() is not sink:
            raise BlockingIOError
        taken = self.write_now(view)
        if taken == len(view):
            self.leave(sink)
        return taken

    def write_now(self, view: memoryview) -> int:
        """Takes the beginning of `view`, whoever else is in line."""
        self._look()
        try:
            taken = self._write(view)
        except BrokenPipeError:
            if self._sigpipe:
                raise GuestExit(BROKEN_PIPE) from None
            raise
        if self._on_write is not None and taken:
            self._on_write(bytes(view[:taken]))
        return taken

    def is_behind(self, sink: OutputSink) -> bool:
        """Whether `sink` is behind another one in line."""
        return sink in self._line and self._first() is not sink

    def wait(self, sink: OutputSink, callback: Callable[[], None]) -> None:
        """Calls `callback` once, from the event loop, when `sink` is the first in line."""
        self._line[sink] = callback

    def leave(self, sink: OutputSink) -> None:
        """`sink` has nothing more to write for now."""
        was_first = self._first() is sink
        self._line.pop(sink, None)
        following = self._first()
        if was_first and following is not None:
            following.loop.call_soon(self._wake, following)

    def _first(self) -> OutputSink | None:
        return next(iter(self._line), None)

    def _wake(self, sink: OutputSink) -> None:
        callback = self._line.get(sink)
        if callback is not None:  # else it was closed meanwhile, or tried by itself
            self._line[sink] = None
            callback()


class OutputSink(ByteSink):
    """Takes one stream to an output; `on_close` is called when everything is written, or with the error."""

    def __init__(self, output: Output, on_close: Callable[[BaseException | None], object]) -> None:
        self._output = output
        self._on_close = on_close
        self.loop = asyncio.get_running_loop()
        self._readiness = Readiness(output.fd, write=True)

    def write(self, view: memoryview) -> int:
        return self._output.write(self, view)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        if self._output.is_behind(self):
            self._output.wait(self, callback)
            return
        if self._readiness.fd != self._output.fd:  # the output goes elsewhere by now
            self._readiness = Readiness(self._output.fd, write=True)
        self._readiness.wait(callback)

    def close(self, error: BaseException | None) -> None:
        self._readiness.cancel()
        self._output.leave(self)
        self._on_close(error)


# ---- targets


def _writer(target: Any, fd: int | None) -> Write:
    if fd is not None:
        return _Pollable(target, fd).write
    if isinstance(target, int) or _is_only_written(target):
        return _Regular(target).write
    if hasattr(target, "write"):
        return _File(target).write
    return _Call(target).write


def _is_only_written(file: Any) -> bool:
    """Whether a file object keeps nothing but bytes yet to be written: one that also reads keeps its position."""
    return descriptor(file) is not None and isinstance(getattr(file, "buffer", file), io.BufferedWriter | io.FileIO)


class _Regular:
    """A regular file, straight from the view. A write there is a copy into the page cache and does not wait."""

    def __init__(self, target: Any) -> None:
        self._flush = getattr(target, "flush", None)
        self._fd = descriptor(target)

    def write(self, view: memoryview) -> int:
        assert self._fd is not None
        if self._flush is not None:
            self._flush()  # output of Python code before comes out before
        return os.write(self._fd, view[:_PIECE])


class _Pollable:
    """A pipe, terminal or socket, written in pieces that do not block, see `readiness`."""

    def __init__(self, target: Any, fd: int) -> None:
        self._flush = getattr(target, "flush", None)
        self._fd = fd
        self._readiness = Readiness(fd, write=True)
        self._is_pipe = stat.S_ISFIFO(os.fstat(fd).st_mode)

    def write(self, view: memoryview) -> int:
        if self._flush is not None:
            self._flush()  # output of Python code before comes out before
        if self._is_pipe and len(view) > select.PIPE_BUF and (taken := _write_to_pipe(self._fd, view)):
            return taken
        taken = 0
        with contextlib.suppress(BlockingIOError):  # another process set O_NONBLOCK
            while taken < len(view) and self._readiness.now():
                # That much is sure to go into a pipe that poll reports as writable (the select module's documentation).
                taken += os.write(self._fd, view[taken : taken + select.PIPE_BUF])
        if view and not taken:
            raise BlockingIOError
        return taken


def _write_to_pipe(fd: int, view: memoryview) -> int:
    """As much as there is room for, through an open file description of our own, where Linux gives us one; else 0."""
    try:
        own = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # ENXIO: there is no reader, as the next write will report
        return 0
    try:
        return os.write(own, view)
    finally:
        os.close(own)


class _File:
    """Any other object with `write`; text is decoded as UTF-8, wrong bytes become U+FFFD."""

    def __init__(self, file: Any) -> None:
        self._layers = [file, file.buffer] if hasattr(file, "buffer") else [file]
        is_text = isinstance(self._layers[-1], io.TextIOBase) or hasattr(self._layers[-1], "encoding")
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode if is_text else None

    def write(self, view: memoryview) -> int:
        self._flush()  # output of Python code before comes out before
        taken = self._write(view)
        self._flush()
        return taken

    def _write(self, view: memoryview) -> int:
        if self._decode is not None:
            self._layers[-1].write(self._decode(view))
            return len(view)
        taken = self._layers[-1].write(bytes(view))
        return taken if isinstance(taken, int) else len(view)  # an unbuffered file may take less

    def _flush(self) -> None:
        for layer in self._layers:
            if hasattr(layer, "flush"):
                layer.flush()


class _Call:
    """A function that is called with each block."""

    def __init__(self, function: Callable[[bytes], object]) -> None:
        self._function = function

    def write(self, view: memoryview) -> int:
        self._function(bytes(view))
        return len(view)
