"""Worlds that Hypothesis makes, through a guest and back; `make fuzz` makes more of them."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import get_args

import pytest

from tests.abi.shapes import HANDLES
from tests.abi.worlds.runs import run
from tests.abi.worlds.trial import Trial
from tests.abi.worlds.world import Way
from tests.strategies import PRIMITIVES
from wasihost._component.world import types
from wasihost._component.world.passages import can_pass
from wasihost._component.world.types import ValType


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.nightly)])
def test_values_go_through_any_world_and_back(seed: int) -> None:
    """In a process of its own, where the same seed gives the same worlds whatever else pytest has loaded."""
    command = [sys.executable, "-W", "error", "-m", "tests.abi.worlds", "--worlds", "30", "--seed", str(seed)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, ""), found.stdout + found.stderr


KINDS = (types.Stream, types.Future)


def features(trial: Trial) -> Iterator[object]:
    for interface in trial.world.everything:
        yield "at root" if interface.at_root else "in an interface"
        if can_pass(types.Interface({function.name: function.func for function in interface.functions})):
            yield "with a window"
        for function in interface.functions:
            func = function.func
            yield from (function.way, function.form, (func.is_async, function.is_slow))
            for t in func.types:
                for inner in types.walk(t):
                    yield inner if isinstance(inner, types.Primitive) else type(inner)
                    if isinstance(inner, HANDLES) and inner is not t:
                        yield "inside", type(inner)
                    if isinstance(inner, KINDS) and types.contains(inner.payload, types.Own):
                        yield "resources in", type(inner)


@pytest.mark.nightly
def test_worlds_have_all_that_wit_has() -> None:
    found: set[object] = set()
    assert run(seed=0, count=200, check=lambda trial: found.update(features(trial))) == ""
    assert found == {
        *("at root", "in an interface", "with a window", "", "method", "static", "constructor"),
        *Way,
        *itertools.product((False, True), repeat=2),
        *PRIMITIVES,
        *(set(get_args(ValType)) - {types.Primitive}),
        *(("inside", handle) for handle in HANDLES),
        *(("resources in", kind) for kind in KINDS),
    }


def no_list(trial: Trial) -> None:
    funcs = [function.func for interface in trial.world.interfaces for function in interface.functions]
    lists = [t for func in funcs for t in func.types if isinstance(t, types.List)]
    assert not lists, f"got {lists}"


@pytest.mark.nightly
def test_a_world_that_fails_shrinks_to_one_function_and_is_shown_as_wit() -> None:
    shown = run(seed=0, count=200, check=no_list)
    assert "AssertionError: got [List(element=Primitive(name='u8'))]" in shown
    functions = [line for line in shown.splitlines() if "// exported as" in line]
    assert len(functions) == 1
    assert re.search(r"(func|constructor)\(.*list<u8>", functions[0])
    assert "import gen:a/a" in shown
