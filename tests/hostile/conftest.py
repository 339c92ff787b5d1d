"""What every test of hostile guests shares."""

import pytest

from tests.guests.harness import freeze
from tests.states import states_follow_their_tables

__all__ = ["states_follow_their_tables"]


@pytest.fixture(autouse=True)
def frozen() -> None:
    """Attacks collect twice each, some tests hundreds of times."""
    freeze()
