"""The clock that keeps guests from holding the event loop."""

from __future__ import annotations

import os
import threading
import weakref

import wasmtime

from wasihost._base import forks

EPOCH_SECONDS = 0.005
IDLE_TICKS = 20
"""The thread ends after so many epochs in which no guest ran; to start another takes 0.1 ms."""

_lock = forks.lock()


class EpochClock:
    """Moves the epoch of an engine on while guests of it run, so that computing guests yield.

    A thread, because nothing else runs while a guest computes. It ends when no guest has run for some epochs, and
    before a fork, since CPython warns about a fork of a process that has threads.
    """

    _clocks: weakref.WeakKeyDictionary[wasmtime.Engine, EpochClock] = weakref.WeakKeyDictionary()

    @classmethod
    def of(cls, engine: wasmtime.Engine) -> EpochClock:
        clock = cls._clocks.get(engine)
        if clock is None:
            with _lock:
                clock = cls._clocks.get(engine) or cls(engine)
                cls._clocks[engine] = clock
        return clock

    @classmethod
    def pause(cls) -> None:
        """Before a fork: ends the threads."""
        for clock in list(cls._clocks.values()):
            clock._end_thread()

    @classmethod
    def go_on(cls) -> None:
        """In the parent, after a fork: a provider may have forked, whose guest runs."""
        with _lock:
            for clock in list(cls._clocks.values()):
                if clock._running and clock._thread is None:
                    clock._start_thread()

    @classmethod
    def forget(cls) -> None:
        """In the child of a fork: the clocks belong to instances of the parent."""
        cls._clocks = weakref.WeakKeyDictionary()

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = weakref.ref(engine)
        self._running = 0
        self._idle_ticks = 0
        self._thread: threading.Thread | None = None
        self._ended: threading.Event

    def start(self) -> None:
        """A guest begins to run; `stop` must follow, also after an error: RuntimeError without a thread."""
        with _lock:
            self._running += 1
            self._idle_ticks = 0
            if self._thread is None:
                self._start_thread()

    def stop(self) -> None:
        """A guest waits, or has ended."""
        with _lock:
            self._running -= 1

    def _start_thread(self) -> None:
        ended = threading.Event()
        thread = threading.Thread(target=self._tick, args=(ended,), name="wasihost-epochs", daemon=True)
        thread.start()
        self._thread = thread
        self._ended = ended

    def _end_thread(self) -> None:
        with _lock:
            thread = self._thread
            self._thread = None
            if thread is not None:
                self._ended.set()
        if thread is not None:
            thread.join()

    def _tick(self, ended: threading.Event) -> None:
        while not ended.wait(EPOCH_SECONDS):
            if (engine := self._engine()) is None:
                return
            engine.increment_epoch()
            del engine
            if self._is_idle(ended):
                return

    def _is_idle(self, ended: threading.Event) -> bool:
        """Whether no guest has run for long, and the thread ends."""
        with _lock:
            if ended.is_set():
                return True
            self._idle_ticks = 0 if self._running else self._idle_ticks + 1
            if self._idle_ticks < IDLE_TICKS:
                return False
            self._thread = None
            return True


# Those for before a fork run in reverse order: the lock is still free.
os.register_at_fork(before=EpochClock.pause, after_in_parent=EpochClock.go_on, after_in_child=EpochClock.forget)
