"""`map`: results in order, progress, cancellation, and lost workers."""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.work import COUNT, HANGS, LIMITS, NOTE, TRAPS, WORK, Odd, component
from wasihost import GuestTrap, MissingExtraError, ProviderError
from wasihost.jobs import LostWorker


class Losing(ThreadPoolExecutor):
    """Two workers, of which one is lost with the tasks that have one of these rows."""

    def __init__(self, fatal: set[int], rounds: list[list[int]]) -> None:
        super().__init__(2)
        self._fatal = fatal
        self._ran: list[int] = []
        self._is_broken = False
        rounds.append(self._ran)

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._is_broken:
            raise BrokenProcessPool("broken")
        rows = [row for (row,) in args[1]]
        if self._fatal.intersection(rows):
            self._is_broken = True
            future: Future[Any] = Future()
            future.set_exception(BrokenProcessPool("broken"))
            return future
        self._ran.extend(rows)
        return super().submit(call, *args, **kwargs)


def test_results_are_in_the_order_of_the_rows(cache: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        found = component(cache).map(WORK, [1, 2, 3, 4, 5], chunksize=1, executor=executor)
        assert list(found) == [2, 4, 6, 8, 10]


def test_without_an_executor_it_maps_here(cache: Path) -> None:
    assert list(component(cache, instances="kept").map(COUNT)) == []
    assert list(component(cache).map(WORK, iter([1, 2]))) == [2, 4]


def test_the_first_exception_is_raised(cache: Path) -> None:
    found = component(cache).map(WORK, [1, TRAPS, 2], chunksize=1)
    assert next(found) == 2
    with pytest.raises(GuestTrap):
        next(found)


def test_an_exception_takes_the_place_of_its_result(cache: Path) -> None:
    one, trap, two = component(cache).map(WORK, [1, TRAPS, 2], return_exceptions=True)
    assert (one, type(trap), two) == (2, GuestTrap, 4)


def test_an_exception_that_cannot_be_unpickled_is_a_provider_error(cache: Path) -> None:
    [error] = component(cache, "Raising").map(NOTE, [3], return_exceptions=True)
    assert (type(error), str(error)) == (ProviderError, f"{Odd.__name__}: 3 and 3")


def test_progress_counts_the_calls_that_have_ended(cache: Path) -> None:
    seen: list[tuple[int, int]] = []
    list(component(cache).map(WORK, [1, 2, 3], chunksize=2, progress=lambda done, total: seen.append((done, total))))
    assert seen == [(2, 3), (3, 3)]


def test_a_bar_needs_an_extra(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(MissingExtraError, match=r"wasihost\[jobs\]"):
        next(component(cache).map(WORK, [1], bar=True))


def test_two_kinds_of_executors_are_refused(cache: Path) -> None:
    with ThreadPoolExecutor(1) as executor, pytest.raises(TypeError, match="not both"):
        next(component(cache).map(WORK, [1], executor=executor, executor_factory=lambda: executor))


# ---- cancellation


def test_closing_the_iterator_cancels_the_guest(cache: Path) -> None:
    rows = [1, HANGS, HANGS, HANGS]
    found = component(cache, limits=LIMITS).map(WORK, rows, chunksize=1, executor_factory=lambda: ThreadPoolExecutor(2))
    with contextlib.closing(found):
        assert next(found) == 2


# ---- lost workers


def test_a_pure_job_goes_on_with_another_executor(cache: Path) -> None:
    rounds: list[list[int]] = []
    fatal = {3}

    def factory() -> Executor:
        executor = Losing(set(fatal), rounds)
        fatal.clear()
        return executor

    found = component(cache, pure=True).map(WORK, range(6), chunksize=1, executor_factory=factory)
    assert list(found) == [0, 2, 4, 6, 8, 10]
    assert len(rounds) == 2


def test_a_row_that_takes_its_workers_with_it_is_given_up(cache: Path) -> None:
    rounds: list[list[int]] = []
    *found, lost, last = component(cache, pure=True).map(
        WORK, range(6), chunksize=1, executor_factory=lambda: Losing({4}, rounds), return_exceptions=True
    )
    assert (found, last) == ([0, 2, 4, 6], 10)
    assert isinstance(lost, LostWorker)
    assert (lost.not_done, str(lost)) == ([4], "a worker was lost, and with it the results of rows 4")


@pytest.mark.parametrize("pure", [False, True])
def test_workers_that_never_do_anything_are_given_up(cache: Path, pure: bool) -> None:
    rounds: list[list[int]] = []
    rows = range(100)
    found = component(cache, pure=pure).map(
        WORK, rows, chunksize=1, executor_factory=lambda: Losing(set(rows), rounds), return_exceptions=True
    )
    assert {type(outcome) for outcome in found} == {LostWorker}
    assert len(rounds) == 3 + 1  # the last one has nothing to do


def test_a_job_with_effects_calls_nothing_again(cache: Path) -> None:
    rounds: list[list[int]] = []
    found = list(
        component(cache).map(
            WORK,
            range(6),
            chunksize=1,
            in_flight=2,
            executor_factory=lambda: Losing({2}, rounds),
            return_exceptions=True,
        )
    )
    assert [type(each).__name__ for each in found].count("LostWorker") >= 1
    assert isinstance(found[2], LostWorker)
    ran = list(chain.from_iterable(rounds))
    assert len(ran) == len(set(ran))


def test_an_executor_that_is_broken_says_what_is_not_done(cache: Path) -> None:
    found = component(cache).map(WORK, range(6), chunksize=2, in_flight=1, executor=Losing({3}, []))
    assert [next(found), next(found)] == [0, 2]
    with pytest.raises(BrokenProcessPool, match="the results of rows 2, 3, 4, 5") as caught:
        next(found)
    assert isinstance(caught.value, LostWorker)
    assert caught.value.not_done == [2, 3, 4, 5]
