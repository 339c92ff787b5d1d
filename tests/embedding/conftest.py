"""Around every test with a guest: nothing is left afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.guests.harness import PREBUILT, Guest, nothing_left
from wasihost import GuestExit


@pytest.fixture(autouse=True, scope="session")
def wasi_0_2_is_started() -> None:
    """Wasmtime's own WASI 0.2 opens files of its own at its first use, and keeps them."""
    with contextlib.suppress(GuestExit):
        Guest("rust-hello-p2", wasip2="native").host.run(PREBUILT / "rust-hello-p2.wasm")


@pytest.fixture(autouse=True)
def check_nothing_left() -> Iterator[None]:
    with nothing_left():
        yield
