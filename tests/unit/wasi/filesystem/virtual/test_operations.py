"""Whatever a guest does, it gets the same answers on each file system, and finds the same tree."""

from __future__ import annotations

import pytest

from tests.unit.wasi.filesystem.virtual import subjects


@pytest.mark.slow
def test_every_file_system_answers_as_the_model() -> None:
    subjects.run(2000, with_seed=1)
