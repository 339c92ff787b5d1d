"""Worlds that Hypothesis makes, through a guest and back; `make fuzz` makes more of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.abi.worlds.runs import run
from tests.abi.worlds.trial import Trial
from wasihost.component.world import types


@pytest.mark.parametrize("seed", range(4))
def test_values_go_through_any_world_and_back(seed: int) -> None:
    """In a process of its own, where the same seed gives the same worlds whatever else pytest has loaded."""
    command = [sys.executable, "-m", "tests.abi.worlds", "--worlds", "75", "--seed", str(seed)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def no_list_of_f32(trial: Trial) -> None:
    funcs = [function.func for interface in trial.world.everything for function in interface.functions]
    assert not any(types.List(types.F32) in types.walk(t) for func in funcs for t in func.types), "this one"


def test_a_world_that_fails_shrinks_to_one_function_and_is_shown_as_wit() -> None:
    shown = run(seed=0, count=200, check=no_list_of_f32)
    assert shown == ""
