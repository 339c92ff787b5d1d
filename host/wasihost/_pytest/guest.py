"""A guest of a test: running it, and its output."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from wasihost._base.errors import GuestExit
from wasihost._base.waiting import Called
from wasihost._component.adapt import Component
from wasihost._component.instance import Instance
from wasihost._host.host import Host
from wasihost._network.base import Network
from wasihost._network.faults import FaultyNetwork

if TYPE_CHECKING:  # for guests that serve
    from wasihost._host.http_server import GuestServer


class Output:
    """The output of a guest on a standard stream, and the wait for it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._waiting: list[Called] = []

    def __call__(self, block: bytes) -> None:
        self.data += block
        self.wake()

    def __str__(self) -> str:
        return self.data.decode(errors="backslashreplace")

    def wake(self) -> None:
        """Whoever waits looks again."""
        waiting = self._waiting
        self._waiting = []
        for called in waiting:
            called()

    async def more(self) -> None:
        """Returns when there is more, or after `wake`."""
        called = Called()
        self._waiting.append(called)
        await called


class EventLoop(Protocol):
    """Where a test's guests run: its `Bench`."""

    def run(self, main: Callable[[], Coroutine[Any, Any, int]]) -> int: ...
    def entered(self) -> None: ...


class Guest:
    """A component with its host, made by the fixture `wasi_guest`; it may be run more than once, one after the other.

    `exit_code` is None before the end of a run, and after one that was cancelled or ended by an exception.
    """

    def __init__(self, loop: EventLoop, component: Component, options: dict[str, Any], network: Network) -> None:
        self._loop = loop
        self._component = component
        self._stdout = Output()
        self._stderr = Output()
        self.host = Host(**{"stdout": self._stdout, "stderr": self._stderr, **options})
        self.faults = network if isinstance(network, FaultyNetwork) else None
        """The network on which things go wrong, if there is one: `faults.injected`, `faults.unused`."""
        self.exit_code: int | None = None
        self._is_running = False
        self._has_begun = False

    @property
    def name(self) -> str:
        """Of its file."""
        return self._component.origin.rpartition("/")[2]

    @property
    def stdout(self) -> str:
        """The output up to now; bytes that are no UTF-8 as escapes."""
        return str(self._stdout)

    @property
    def stderr(self) -> str:
        """The output up to now; bytes that are no UTF-8 as escapes."""
        return str(self._stderr)

    @property
    def stdout_bytes(self) -> bytes:
        """As it wrote them."""
        return bytes(self._stdout.data)

    def __repr__(self) -> str:
        if self._is_running:
            return f"<Guest {self.name}, running>"
        return f"<Guest {self.name}, {'not run' if not self._has_begun else f'exit code {self.exit_code}'}>"

    # ---- running

    def run(self, *, check: bool = True) -> int:
        """Runs it to its end on the test's event loop, and gives its exit code; for tests that are not async.

        Errors: GuestExit for another code than 0, unless `check` is False; and those of `Host.run`.
        """
        __tracebackhide__ = True
        try:
            return self._loop.run(functools.partial(self.run_async, check=check))
        except GuestExit as end:
            raise end.with_traceback(None) from None  # where it was raised is of no interest

    async def run_async(self, *, check: bool = True) -> int:
        """As `run`, in a test that is async."""
        __tracebackhide__ = True
        try:
            await self._run()
        except GuestExit as end:
            if check:
                raise end.with_traceback(None) from None
        assert self.exit_code is not None
        return self.exit_code

    def running(self) -> contextlib.AbstractAsyncContextManager[Guest]:
        """Runs it beside the body of an `async with`, and ends it there if it has not ended.

        When the guest fails, the body is cancelled. Errors: as `run`.
        """
        return _Running(self)

    def open(self) -> contextlib.AbstractAsyncContextManager[Instance]:
        """An instance whose exports can be called, as `Host.open`."""
        return self.host.open(self._component)

    def serve(self, **options: Any) -> contextlib.AbstractAsyncContextManager[GuestServer]:
        """A server that it answers for, as `Host.serve`."""
        return self.host.serve(self._component, **options)

    async def line(self, words: str = "") -> str:
        """Waits until it has written a line to stdout that has these words, and gives that line.

        Errors: RuntimeError, if it ends before.
        """
        while True:
            for line in self.stdout.split("\n")[:-1]:
                if words in line:
                    return line
            if self._has_begun and not self._is_running:
                raise RuntimeError(f"{self.name} has ended, and wrote no line with {words!r}; stdout: {self.stdout!r}")
            await self._stdout.more()

    async def _run(self) -> None:
        if self._is_running:
            raise RuntimeError(f"{self.name} is running already: make another one with wasi_guest")
        for output in (self._stdout, self._stderr):
            output.data.clear()
        self.exit_code = None
        self._is_running = True
        self._has_begun = True
        self._loop.entered()
        try:
            await self.host.run_async(self._component)
            self.exit_code = 0
        except GuestExit as end:
            self.exit_code = end.code
            raise
        finally:
            self._is_running = False
            self._stdout.wake()


class _Running:
    """The context manager of `Guest.running`. No generator: its frames would be in every traceback."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._has_cancelled = False

    async def __aenter__(self) -> Guest:
        self._body = asyncio.current_task()
        self._task = asyncio.create_task(self._guest.run_async(), name=f"guest {self._guest.name}")
        self._task.add_done_callback(self._over)
        return self._guest

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        task = self._task
        task.remove_done_callback(self._over)
        task.cancel()
        await asyncio.wait([task])
        failure = None if task.cancelled() else task.exception()
        if isinstance(error, asyncio.CancelledError) and self._has_cancelled:
            assert self._body is not None
            if self._body.uncancel():  # another has cancelled it too
                return False
            error = None
        if failure is not None and error is None:
            raise failure if not isinstance(failure, GuestExit) else failure.with_traceback(None)
        return False

    def _over(self, task: asyncio.Task[int]) -> None:
        if not task.cancelled() and task.exception() is not None:
            assert self._body is not None
            self._has_cancelled = self._body.cancel()
