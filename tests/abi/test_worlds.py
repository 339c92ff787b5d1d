"""Worlds that Hypothesis makes: several interfaces and their functions at once, through a guest and back."""

from __future__ import annotations

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
import pytest

from tests.abi.world_check import check_drawn
from tests.abi.worlds import World, worlds


@pytest.mark.parametrize("part", range(4))
def test_values_go_through_any_world_and_back(part: int) -> None:
    @seed(part)
    @settings(max_examples=75, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data(), worlds())
    def check(data: st.DataObject, world: World) -> None:
        check_drawn(data, world)

    check()
