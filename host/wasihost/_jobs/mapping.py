"""`Bound.map`: calls an export with many rows, through an executor, in chunks.

Theory of operation. A chunk is one task, which gives an outcome for each row: its result, or its own exception. A few
chunks are in flight at a time, the others wait here. When a worker is lost the executor is broken, and with it every
chunk in flight, of which any may be the reason. A pure job makes them again in another executor, one at a time: a chunk
that takes its worker with it shows then, and is given up. A job that is not pure gives all of them up, as they may have
been done. If no worker ever does anything, all is given up. The outcome of a row that is given up is a `LostWorker`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeAlias

from wasihost._base.errors import ProviderError
from wasihost._base.frozen import Frozen
from wasihost._base.quoting import some
from wasihost._jobs import here
from wasihost._jobs.stopping import Stop, stopped_by

Call: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]
"""That can be pickled."""
Row: TypeAlias = tuple[Any, ...]
"""The arguments of a call."""
Outcome: TypeAlias = tuple[BaseException | None, Any]
"""What a call raised, or its result."""

MOST_LOSSES = 3
"""Workers that a chunk may take with it, the last one alone."""


class LostWorker(BrokenProcessPool):
    """A worker was lost, and with it the results of rows that may have been called: `not_done` are their numbers."""

    def __init__(self, not_done: Sequence[int]) -> None:
        super().__init__(not_done)
        self.not_done = not_done

    def __str__(self) -> str:
        return f"a worker was lost, and with it the results of rows {some([*map(str, self.not_done)])}"


class Chunk(Frozen):
    """Rows that are one task; `start` is the number of the first."""

    start: int
    rows: Sequence[Row]

    @property
    def numbers(self) -> range:
        """Those of its rows."""
        return range(self.start, self.start + len(self.rows))


# ---- in a worker


def outcomes_of(call: Call, rows: Sequence[Row], stop: str | None) -> list[Outcome]:
    """What comes of calling it with each of the rows. Errors: CancelledError."""
    return here.run(_outcomes, call, rows, stop)


async def _outcomes(call: Call, rows: Sequence[Row], stop: str | None) -> list[Outcome]:
    found: list[Outcome] = []
    with stopped_by(stop):
        for row in rows:
            try:
                found.append((None, await call(*row)))
            except Exception as error:
                found.append((_portable(error), None))
    return found


def _portable(error: Exception) -> Exception:
    """The exception, or a replacement if one of a provider does not survive pickling, which would break the pool."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return ProviderError(f"{type(error).__qualname__}: {error}")
    return error


# ---- in the process that maps


class Here(Executor):
    """Runs what is submitted in this thread."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(call(*args, **kwargs))
        return future


class MapRun:
    """One `map`, through one executor, or through one after the other that `factory` makes."""

    def __init__(
        self,
        call: Call,
        rows: Iterable[Row],
        chunksize: int,
        *,
        is_pure: bool = False,
        executor: Executor | None = None,
        factory: Callable[[], Executor] | None = None,
        in_flight: int | None = None,
        advanced: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._call = call
        self._waiting = _chunks(rows, chunksize)
        self._is_pure = is_pure
        self._executor = executor or Here()
        self._factory = factory
        self._in_flight = in_flight or 4 * (os.cpu_count() or 1)
        if executor is None and factory is None:
            self._in_flight = 1
        self._advanced = advanced
        self._lost: list[Chunk] = []  # in this round
        self._losses: Counter[int] = Counter()  # by the start of a chunk
        self._suspects: deque[Chunk] = deque()  # which go alone
        self._done: dict[int, list[Outcome]] = {}  # by the start of a chunk, until all before it are
        self._next = 0
        self._rounds = 0  # that ended with a lost worker
        self._has_results = False  # from any worker

    def outcomes(self) -> Generator[Outcome, None, None]:
        """Those of all rows, in their order."""
        with contextlib.closing(Stop()) as stop:
            while True:
                with contextlib.nullcontext(self._executor) if self._factory is None else self._factory() as executor:
                    yield from self._round(executor, stop)
                if not self._lost:
                    return
                self._after_loss()

    def _round(self, executor: Executor, stop: Stop) -> Iterator[Outcome]:
        """Until all is done, or a worker is lost."""
        pending: dict[Future[list[Outcome]], Chunk] = {}
        try:
            while not self._lost:
                self._submit(executor, stop, pending)
                yield from self._in_order()
                if not pending:
                    return
                self._take(pending, wait(pending, return_when=FIRST_COMPLETED).done)
            self._take(pending, wait(pending).done)
        finally:
            if pending:
                for future in pending:
                    future.cancel()
                stop.set()

    def _submit(self, executor: Executor, stop: Stop, pending: dict[Future[list[Outcome]], Chunk]) -> None:
        while len(pending) < self._room(pending):
            chunk = self._suspects.popleft() if self._suspects else next(self._waiting, None)
            if chunk is None:
                return
            try:
                pending[executor.submit(outcomes_of, self._call, chunk.rows, stop.path)] = chunk
            except BrokenExecutor:
                self._lost.append(chunk)
                return

    def _room(self, pending: dict[Future[list[Outcome]], Chunk]) -> int:
        is_trying = any(chunk.start in self._losses for chunk in pending.values())
        return 1 if self._suspects or is_trying else self._in_flight

    def _take(self, pending: dict[Future[list[Outcome]], Chunk], finished: Iterable[Future[list[Outcome]]]) -> None:
        for future in finished:
            chunk = pending.pop(future)
            try:
                self._finish(chunk, future.result())
                self._has_results = True
            except BrokenExecutor:
                self._lost.append(chunk)

    def _finish(self, chunk: Chunk, outcomes: list[Outcome]) -> None:
        self._done[chunk.start] = outcomes
        self._advanced(len(outcomes))

    def _in_order(self) -> Iterator[Outcome]:
        while self._next in self._done:
            outcomes = self._done.pop(self._next)
            self._next += len(outcomes)
            yield from outcomes

    # ---- lost workers

    def _after_loss(self) -> None:
        lost = self._lost
        self._lost = []
        self._rounds += 1
        self._losses.update(chunk.start for chunk in lost)
        if self._factory is None or self._is_hopeless:
            self._give_up([*lost, *self._suspects, *self._waiting])
            self._suspects.clear()
        elif not self._is_pure or self._is_the_reason(lost):
            self._give_up(lost)
        else:
            self._suspects.extend(lost)

    def _is_the_reason(self, lost: Sequence[Chunk]) -> bool:
        return len(lost) == 1 and self._losses[lost[0].start] >= MOST_LOSSES

    @property
    def _is_hopeless(self) -> bool:
        """Whether no worker ever did anything, as if they cannot even start."""
        return self._rounds >= MOST_LOSSES and not self._has_results

    def _give_up(self, chunks: Sequence[Chunk]) -> None:
        error = LostWorker([number for chunk in chunks for number in chunk.numbers])
        for chunk in chunks:
            self._finish(chunk, [(error, None)] * len(chunk.rows))


def _chunks(rows: Iterable[Row], size: int) -> Iterator[Chunk]:
    start = 0
    rows = iter(rows)
    while taken := list(islice(rows, size)):
        yield Chunk(start, taken)
        start += len(taken)
