"""Jobs on joblib's processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.work import TRAPS, WORK, component
from wasihost import GuestTrap


def test_joblib_calls_a_bound_export(cache: Path) -> None:
    from joblib import Parallel, delayed

    bound = component(cache, instances="kept").bind(WORK)
    with Parallel(2) as parallel:
        assert parallel(delayed(bound)(n) for n in range(6)) == [0, 2, 4, 6, 8, 10]
        with pytest.raises(GuestTrap):
            parallel([delayed(bound)(TRAPS)])
