"""Whatever a guest does, it gets the same answers on each file system, and finds the same tree."""

from __future__ import annotations

import itertools

import pytest

from tests.unit.wasi.filesystem.virtual import subjects
from tests.unit.wasi.filesystem.virtual.model import Model
from tests.unit.wasi.filesystem.virtual.operations import DIRECTORY, TOP, Operation
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags

PLACES = [
    *((TOP, path) for path in "a a/ a/. . .. b b/ c c/a c/new d d/ a/a a/a/ a/a/b a/a/d a/a/new new new/".split()),
    *((DIRECTORY, path) for path in "b b/ d . .. new".split()),
]
"""Paths of `TREE` with two empty directories, some from the top and some from `a/a`, which the guest has open."""
BEGINNING = [
    Operation("create_directory", (TOP, "d")),
    Operation("create_directory", (TOP, "a/a/d")),
    Operation("open", (TOP, "a/a", False, OpenFlags(0), DescriptorFlags.READ, DIRECTORY)),
]


def is_refused(operation: Operation) -> bool:
    model = Model()
    return [model.answer(each) for each in (*BEGINNING, operation)][-1] is not None


@pytest.mark.slow
def test_every_file_system_answers_as_the_model() -> None:
    subjects.run(2000, with_seed=1)


@pytest.mark.parametrize("name", ["rename", "link"])
def test_every_file_system_refuses_names_in_and_above_a_directory_with_the_same_errno(name: str) -> None:
    every = (Operation(name, (*place, *new_place)) for place, new_place in itertools.product(PLACES, repeat=2))
    subjects.check([*BEGINNING, *filter(is_refused, every)])
