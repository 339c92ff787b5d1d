"""The streams that provider code returns, and those that it receives.

The simple forms are an async iterator (returned) and `GuestStream` (received). The classes here are the fast forms: a
pump of the machine calls them directly, with no task and, for bytes, no copy, since a view is the adapter component's
own linear memory. A view must not be kept after the call.

Theory of operation. A source is asked only once the guest asks (a zero-length write shows it), so nothing is taken from
the outside that no guest wants. When it has nothing yet it raises `BlockingIOError`; the pump then calls
`wait_readable` and tries again after the callback. `close` is called exactly once, also while waiting.
"""

from __future__ import annotations

import asyncio
import contextvars
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")


def byte_view(data: Any) -> memoryview:
    """The bytes of any bytes-like object, one after another. Errors: TypeError."""
    view = memoryview(data)
    try:
        return view.cast("B")
    except TypeError:  # has gaps, or a format that names the order of bytes, as `ctypes` does
        return memoryview(view.tobytes())


class Outcome(asyncio.Future[T]):
    """The future of how a stream ended, which only `close` of its source or sink resolves.

    A guest that waits only for these waits for itself: the machine can report a deadlock.
    """


class PromptFuture(asyncio.Future[T]):
    """A future for a guest: the result of an async function, or a future in one.

    The guest goes on within `set_result`, not in a later pass of the event loop: that counts where there is an event
    for each call. So whoever resolves the result of a function does that in a callback of the event loop, as its last
    step. For all others it is a future like any, and so is its cancellation.
    """

    _when_done: Callable[[], None] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.context = contextvars.copy_context()

    def when_done(self, callback: Callable[[], None]) -> None:
        """Calls `callback` as soon as there is a result."""
        self._when_done = callback

    def _call_back(self) -> None:
        callback = self._when_done
        self._when_done = None  # or the machine and the future would refer to each other
        if callback is not None:
            callback()

    def set_result(self, result: T, /) -> None:
        super().set_result(result)
        self._call_back()

    def set_exception(self, exception: type | BaseException, /) -> None:
        super().set_exception(exception)
        self._call_back()

    def cancel(self, msg: Any | None = None) -> bool:
        is_cancelled = super().cancel(msg)
        if is_cancelled:
            self.get_loop().call_soon(self._call_back)
        return is_cancelled


class Source(ABC):
    """Common base of the sources of a stream that the provider returned."""

    tells_os_errors: ClassVar[bool] = True
    """Whether `close` reports to the guest an OSError that a read raised; else it is raised to the embedder."""

    @abstractmethod
    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once, from the event loop, when another read is worth a try."""

    @abstractmethod
    def close(self, error: BaseException | None) -> None:
        """The stream has ended: at its end or because the guest dropped it (None), or a read raised `error`."""


class ByteSource(Source):
    """Feeds a `stream<u8>`."""

    @property
    def readable_fd(self) -> int | None:
        """A file descriptor that poll(2) reports as readable just when another read is worth a try."""
        return None

    @abstractmethod
    def read_into(self, view: memoryview) -> int:
        """Fills the beginning of `view`; the number of bytes, 0 at the end. BlockingIOError: nothing yet."""

    def unread(self, view: memoryview) -> None:
        """The guest dropped the stream and did not take these bytes, the last that were read; `close` follows."""


class ValueSource(Source, Generic[T]):
    """Feeds a `stream<T>`."""

    @abstractmethod
    def read(self) -> Sequence[T]:
        """The next values, none at the end. BlockingIOError: nothing yet."""


class ByteSink(ABC):
    """Takes the bytes of a `stream<u8>` that the provider received, see `GuestStream.forward`."""

    @abstractmethod
    def write(self, view: memoryview) -> int:
        """Takes the beginning of `view`; the number of bytes taken. BlockingIOError: none can be taken now."""

    @abstractmethod
    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once, from the event loop, when another write is worth a try."""

    @abstractmethod
    def close(self, error: BaseException | None) -> None:
        """The guest dropped its writable end and everything is written (None), or a write raised `error`."""

    def guest_ended(self) -> None:  # noqa: B027
        """The guest has died, or its instance is closed, before it dropped its writable end; `close(None)` follows."""


class Writer(ABC):
    """Has bytes that a sink has not taken, and no guest that waits for it."""

    @abstractmethod
    def abandon(self) -> None:
        """Gives the bytes up."""


class Unwritten:
    """The writers of one guest, for the machine: it waits for them after the guest has ended, and abandons them when it
    closes the instance.
    """

    def __init__(self) -> None:
        self._writers: dict[Writer, None] = {}
        self.error: BaseException | None = None
        """The exception of the embedder's code in a write; there may be no later call of the guest to raise it."""
        self.when_less: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self._writers)

    def add(self, writer: Writer) -> None:
        """It has something to write."""
        self._writers[writer] = None

    def remove(self, writer: Writer, error: BaseException | None = None) -> None:
        """It has not, or not any more; or it failed."""
        if writer in self._writers:
            del self._writers[writer]
            if error is not None and not isinstance(error, OSError):
                self.error = error
            self.when_less()

    def abandon(self) -> None:
        """Has all of them give up."""
        for writer in list(self._writers):
            writer.abandon()


class GuestStream(ABC, Generic[T]):
    """The readable end of a `stream<T>` that the guest passed to a provider, or that a called export returned.

    `async for` gives the elements, for `stream<u8>` as `bytes` chunks. Annotations that know which it is use
    `GuestByteStream` or `GuestValueStream`.
    """

    @abstractmethod
    async def read(self, n: int = 65536) -> bytes | list[T]:
        """Up to `n` elements, at least one unless the guest dropped its end: `bytes` for u8, else a list."""

    @abstractmethod
    def forward(self, sink: ByteSink) -> None:
        """Moves every byte of a `stream<u8>` to `sink`, which hears of its end; `close` ends it before."""

    @abstractmethod
    def close(self) -> None:
        """Drops the readable end: the guest's writes give DROPPED from now on."""

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[bytes | T]: ...


class GuestFuture(ABC, Generic[T]):
    """The readable end of a `future<T>` that the guest passed to a provider, or that a called export returned."""

    @abstractmethod
    def begin(self) -> asyncio.Future[T]:
        """Begins to read it, once or again; a future of the result, for any number of readers."""

    @abstractmethod
    def __await__(self) -> Generator[Any, None, T]: ...


class GuestByteStream(GuestStream[int]):
    """The readable end of a `stream<u8>`."""

    @abstractmethod
    async def read(self, n: int = 65536) -> bytes: ...

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[bytes]: ...


class GuestValueStream(GuestStream[T]):
    """The readable end of a stream of anything else."""

    @abstractmethod
    async def read(self, n: int = 65536) -> list[T]: ...

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[T]: ...
