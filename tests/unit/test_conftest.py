"""The limit of the CPU time that a test without a mark may take, in a pytest of its own."""

from __future__ import annotations

import itertools

import pytest

from tests import conftest
from tests.processes import run


def outcomes(pytester: pytest.Pytester, takes_s: float, test: str = "def test(): pass") -> list[int]:
    """How many tests passed, were skipped and failed, if each takes so much CPU time."""
    pytester.makepyfile(f"import pytest\n{test}")
    pytester.makeini("[pytest]\nmarkers =\n slow\n nightly")
    times = itertools.count(0, takes_s)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conftest, "cpu_s", lambda: next(times))
        # Enabled once more, faulthandler would take the signals of traps from Wasmtime, in this whole process.
        options = ("-p", "no:asyncio", "-p", "no:faulthandler", "-p", "tests.conftest")
        passed, skipped, failed = pytester.inline_run(*options).countoutcomes()
    return [passed, skipped, failed]


def test_a_test_that_takes_far_more_than_a_second_fails_without_a_mark(pytester: pytest.Pytester) -> None:
    assert outcomes(pytester, takes_s=6) == [0, 0, 1]


def test_a_test_that_takes_a_little_more_on_a_slow_machine_passes(pytester: pytest.Pytester) -> None:
    assert outcomes(pytester, takes_s=4) == [1, 0, 0]


@pytest.mark.parametrize("mark", ["slow", "nightly"])
def test_a_test_with_a_mark_takes_what_it_takes(pytester: pytest.Pytester, mark: str) -> None:
    assert outcomes(pytester, takes_s=600, test=f"@pytest.mark.{mark}\ndef test(): pass") == [1, 0, 0]


def test_the_time_of_children_counts() -> None:
    before = conftest.cpu_s()
    run("-c", "import time\nwhile time.process_time() < 0.2: pass")
    assert conftest.cpu_s() - before >= 0.2
