"""Python's garbage collector under the command line."""

from __future__ import annotations

import gc

from wasihost._commands import collecting


def test_the_collector_of_a_process_that_is_not_the_command_s_is_left_alone() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    collecting.loaded()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
