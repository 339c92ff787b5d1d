"""The streams and futures of `listen`, `send` and `receive`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from wasihost._base.streams import ValueSource
from wasihost._component.values import Err, Ok
from wasihost._wasi.p3.sockets.errors import INVALID_STATE, error_code
from wasihost._wasi.p3.streams import ResultFuture
from wasihost._wasi.sockets.accept import Acceptor
from wasihost._wasi.sockets.tcp import TcpSocket


class Droppable(Protocol):
    """A resource."""

    def drop(self) -> None:
        """The guest's handle is gone."""


T = TypeVar("T", bound=Droppable)


class AcceptSource(ValueSource[T]):
    """Feeds a stream of accepted sockets, one for each read; `wrap` makes the resource of one."""

    tells_os_errors = False  # those of the network are closed sockets; all others are the policy's

    __slots__ = ("_acceptor", "_wrap")

    def __init__(self, acceptor: Acceptor[TcpSocket], wrap: Callable[[TcpSocket], T]) -> None:
        self._acceptor = acceptor
        self._wrap = wrap

    def read(self) -> Sequence[T]:
        """One socket, none when the listener is gone. BlockingIOError: no connection yet."""
        accepted = self._acceptor.accept()
        return () if accepted is None else [self._wrap(accepted)]

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls back when there may be a connection."""
        self._acceptor.wait_readable(callback)

    def close(self, error: BaseException | None) -> None:
        """Stops accepting; the handle of the listener, if there is one, still keeps the port."""
        self._acceptor.close()


def settle(future: ResultFuture, error: BaseException | None) -> None:
    """Resolves the future of a stream that ended, unless whoever waited for it has cancelled it."""
    if not future.done():
        future.set_result(_result(error))


def _result(error: BaseException | None) -> Ok | Err:
    if error is None:
        return Ok(None)
    return Err(error_code(error) if isinstance(error, OSError) else INVALID_STATE)
