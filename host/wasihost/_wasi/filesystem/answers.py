"""Answers of file systems: most are there at once, some take time.

Theory of operation. A method of a node returns its answer or a `Later`, and raises at once if the failure is
known at once. So a file system whose answers are there, as those of the operating system, costs no coroutine and no
turn of the event loop. A method with several questions is a coroutine function with the decorator `at_once_or_later`,
in which each answer is taken by `await settled(answer)`. It is run on the spot, without a task; at the first answer
that takes time it stops, and the rest of it is the `Later`, which the machine makes a task of. So code of embedders
that waits always runs in a task of its own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Final, Generic, ParamSpec, TypeAlias, TypeVar, cast

from wasihost._base.errors import InternalError

T = TypeVar("T")
U = TypeVar("U")
P = ParamSpec("P")
E = TypeVar("E", bound=BaseException)


class Later(Generic[T]):
    """An answer that takes time: a coroutine, which may have begun, to be awaited once or dropped."""

    __slots__ = ("_steps",)

    def __init__(self, steps: Coroutine[Any, Any, T]) -> None:
        self._steps = steps

    def then(self, convert: Callable[[T], U]) -> Later[U]:
        """The answer, converted."""
        return begun(_then(self, convert))

    def failing(self, kind: type[E], convert: Callable[[E], BaseException]) -> Later[T]:
        """The same answer; a failure of that kind is converted."""
        return begun(_failing(self, kind, convert))

    # The protocol of coroutines, for asyncio.

    def __await__(self) -> Generator[Any, Any, T]:
        return self._steps.__await__()

    def send(self, value: Any) -> Any:
        """The next step."""
        return self._steps.send(value)

    def throw(self, *error: Any) -> Any:
        """The next step, which begins with a failure."""
        return self._steps.throw(*error)

    def close(self) -> None:
        """Gives it up."""
        self._steps.close()


Answer: TypeAlias = T | Later[T]
"""The answer of a node."""


def at_once_or_later(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Answer[T]]:
    """The function that runs `method` as far as answers are there, and returns its result or the rest of it."""

    @functools.wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> Answer[T]:
        steps = method(*args, **kwargs)
        try:
            waits_for = steps.send(None)
        except StopIteration as end:
            return cast(T, end.value)
        if waits_for is not None:
            raise InternalError(f"{method.__qualname__} waits for {waits_for!r}, which is not settled")
        return Later(steps)

    return run


async def settled(answer: T | Awaitable[T]) -> T:
    """The answer, once it is there; for functions under `at_once_or_later`."""
    if not hasattr(answer, "__await__"):
        return answer
    try:
        await A_TASK
    except BaseException:
        if inspect.iscoroutine(answer):
            answer.close()  # it has not begun, and Python would warn
        raise
    return await cast("Awaitable[T]", answer)


def answer_of(given: T | Awaitable[T]) -> Answer[T]:
    """An answer from the result of embedders' code, which may be any awaitable."""
    return begun(settled(given)) if hasattr(given, "__await__") else given


def then(answer: Answer[T], convert: Callable[[T], U]) -> Answer[U]:
    """The answer, converted."""
    return answer.then(convert) if isinstance(answer, Later) else convert(answer)


def put(found: Answer[bytes], view: memoryview) -> int | Later[bytes]:
    """The answer of `read_into` from that of `read`: bytes that are there go into the beginning of `view`."""
    if isinstance(found, Later):
        return found
    view[: len(found)] = found
    return len(found)


class _ATask:
    """Awaited to go on in a task: outside of one it stops the steps, in a task it takes a turn of the event loop."""

    def __await__(self) -> Generator[None, None, None]:
        yield


A_TASK: Final = _ATask()
"""Awaited in steps: the code after it runs in a task, and may await anything."""


def begun(steps: Coroutine[Any, Any, T]) -> Later[T]:
    """Steps that wait for a task before all else, brought to that point."""
    steps.send(None)
    return Later(steps)


async def _then(answer: Later[T], convert: Callable[[T], U]) -> U:
    return convert(await settled(answer))


async def _failing(answer: Later[T], kind: type[E], convert: Callable[[E], BaseException]) -> T:
    try:
        return await settled(answer)
    except kind as error:
        raise convert(error) from error
