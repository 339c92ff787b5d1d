"""Around every test with a guest: nothing is left afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.guests import world
from tests.guests.harness import nothing_left
from tests.states import states_follow_their_tables

__all__ = ["states_follow_their_tables"]


@pytest.fixture(autouse=True)
def check_nothing_left() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture(params=world.WORLDS)
def both_networks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs on the network of the operating system, and on a virtual one."""
    monkeypatch.setattr(world, "current", world.WORLDS[request.param]())


@pytest.fixture
def is_virtual(both_networks: None) -> bool:
    """Whether this time it is the virtual one."""
    return isinstance(world.current, world.VirtualWorld)
