"""How `wasihost run` ends at SIGTERM and SIGINT: in order, and after a grace also if the guest prevents that.

Theory of operation. Python calls handlers of signals in the main thread and between two bytecodes, so not while a guest
waits in a native call, as for a sleep of WASI 0.2, or a provider blocks. But Python's own handler in C also writes the
number of each signal into a pipe (`signal.set_wakeup_fd`), and a thread reads it. SIGTERM cancels the run, as SIGINT
does by way of `asyncio.Runner`. After the grace, or when a second signal is SIGINT, the thread leaves the contexts of
the run, which writes the recordings, and ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Container, Coroutine
from types import FrameType
from typing import Any, NoReturn, Self, TypeVar

from wasihost._base.errors import WasihostError
from wasihost._commands.messages import ERROR, say
from wasihost._component.running.loop import interrupts

CLOSING_S = 4.0
"""How long the thread waits for recordings to be written before it ends the process."""

T = TypeVar("T")


class Ended(KeyboardInterrupt):
    """A signal ended the run; `code` is the exit code for it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


class Ending:
    """A context in which SIGTERM and SIGINT end a run; at its end it leaves the contexts that were entered by it.

    `grace_s`: seconds from SIGTERM to the end of the process, whatever the guest does. `second`: which signals end it
    at once if another one came before. Errors: `Ended` at SIGTERM, KeyboardInterrupt at SIGINT. Python lets only its
    main thread handle signals: in another one they are not.
    """

    def __init__(self, grace_s: float, second: Container[int] = (signal.SIGINT,)) -> None:
        self._grace_s = grace_s
        self._second = second
        self._opened = contextlib.ExitStack()
        self._closing = threading.Lock()
        self._signals = contextlib.ExitStack()
        self._cancel: Callable[[], object] | None = None
        self._is_terminated = False

    def enter(self, context: contextlib.AbstractContextManager[T]) -> T:
        """Enters a context, which is left at the end, whatever the end is; the last one first."""
        return self._opened.enter_context(context)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of the coroutine, on an event loop of its own."""
        with interrupts.restoring():
            try:
                return asyncio.run(self._cancellable(coroutine))
            except asyncio.CancelledError:
                if self._is_terminated:
                    raise Ended(signal.SIGTERM) from None
                raise

    async def _cancellable(self, coroutine: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        assert task is not None
        self._cancel = functools.partial(loop.call_soon_threadsafe, task.cancel)
        try:
            return await coroutine
        finally:
            self._cancel = _nothing

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handle_signals()
        return self

    def __exit__(self, *_: object) -> None:
        self._cancel = _nothing
        with self._signals:
            self._close()

    def _close(self) -> None:
        with self._closing:
            self._opened.close()

    # ---- signals

    def _handle_signals(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        watching = threading.Thread(target=self._watch, args=(reader,), name="wasihost-signals", daemon=True)
        watching.start()
        self._signals.callback(os.close, reader)
        self._signals.callback(watching.join)
        self._signals.callback(os.close, writer)
        self._signals.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writer, warn_on_full_buffer=False))
        self._signals.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, self._terminate))

    def _terminate(self, number: int, _frame: FrameType | None) -> None:
        cancel = self._cancel
        self._cancel = _nothing
        if cancel is None:  # nothing runs yet
            raise Ended(number)
        self._is_terminated = True
        cancel()

    def _watch(self, reader: int) -> None:
        """Reads the numbers of signals until the other end of the pipe is closed."""
        deadline: float | None = None
        is_ending = False
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([reader], [], [], left)[0]:
                self._end_now(signal.SIGTERM)
            number = os.read(reader, 1)
            if not number:
                return
            if number[0] in self._second and is_ending:
                self._end_now(number[0])
            if number[0] == signal.SIGTERM and deadline is None:
                deadline = time.monotonic() + self._grace_s
            is_ending = is_ending or number[0] in (signal.SIGINT, signal.SIGTERM)

    def _end_now(self, number: int) -> NoReturn:
        closing = threading.Thread(target=self._close_and_complain, name="wasihost-closing", daemon=True)
        closing.start()
        closing.join(CLOSING_S)
        os._exit(128 + number)

    def _close_and_complain(self) -> None:
        try:
            self._close()
        except WasihostError as error:
            say(str(error), ERROR)


def _nothing() -> None:
    """Cancels nothing: the run has ended."""
