"""Around every test with a guest: nothing is left afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.guests.harness import nothing_left


@pytest.fixture(autouse=True)
def check_nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with nothing_left(monkeypatch):
        yield
