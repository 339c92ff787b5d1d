"""What all tests of jobs share: nothing of one stays in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wasihost._jobs import here


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a cache that all of them share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_loop_closed() -> Iterator[None]:
    """The loop of this thread is closed after each test."""
    yield
    here.close()
