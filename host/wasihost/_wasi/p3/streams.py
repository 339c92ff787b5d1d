"""Common parts of the streams of every package of 0.3: the future of their end; and streams of calls that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from wasihost._base.streams import ByteSource, Outcome, Source, ValueSource
from wasihost._component.values import Err, Ok

ResultFuture: TypeAlias = "asyncio.Future[Ok | Err]"
"""WIT: `future<result<_, error-code>>`."""


def new_future() -> ResultFuture:
    """A future of the running event loop."""
    return Outcome(loop=asyncio.get_running_loop())


def settle(future: ResultFuture, error_code: Callable[[OSError], object], error: BaseException | None) -> None:
    """Resolves the future of a stream that ended, with the error-code of `error` if that is why it ended.

    An exception other than OSError is not for the guest: it is raised to the embedder.
    """
    if future.done():
        return
    if error is None:
        future.set_result(Ok())
    elif isinstance(error, OSError):
        future.set_result(Err(error_code(error)))
    else:
        future.set_exception(error)


class _Ended(Source):
    def wait_readable(self, callback: Callable[[], None]) -> None:
        """The end can always be read."""
        asyncio.get_running_loop().call_soon(callback)

    def close(self, error: BaseException | None) -> None:
        """Nothing is held."""


class EndedSource(_Ended, ByteSource):
    """A stream without bytes, of a call that failed: the error is in its future."""

    def read_into(self, view: memoryview) -> int:
        """The end."""
        return 0


class EndedValues(_Ended, ValueSource[Any]):
    """A stream without values."""

    def read(self) -> Sequence[Any]:
        """The end."""
        return ()
