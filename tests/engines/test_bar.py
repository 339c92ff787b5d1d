"""The bar of tqdm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.work import WORK, component


def test_a_bar_shows_the_calls_that_have_ended(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(component(cache).map(WORK, [1, 2, 3], bar=True)) == [2, 4, 6]
    assert "3/3" in capsys.readouterr().err
