"""wit/adapter-protocol.md names everything in the protocol, with its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from wasihost._component.composition import protocol
from wasihost._component.composition.protocol import Command, Completion, Operation

TEXT = (Path(__file__).parents[2] / "wit" / "adapter-protocol.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ")[0].removeprefix("| ") for line in TEXT.splitlines() if line.startswith("| ")]
ADDRESSES = {
    "ROOM_WANTED",
    "PAIR_COUNT",
    "ROOM",
    "OUT_OF_MEMORY",
    "OUTCOME",
    "RESULT",
    "EVENT",
    "LIST",
    "TOKEN",
    "ROUNDS",
    "TURN_WANTED",
    "DRIVER_WANTED",
    "PAIRS",
    "COMPLETIONS",
    "SUBMISSIONS",
    "BLOCKS",
}


@pytest.mark.parametrize("item", [*Operation, *Completion, *Command], ids=lambda item: item.name)
def test_every_word_has_a_row(item: Operation | Completion | Command) -> None:
    assert f"`{item.name}`" in ROWS


@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_the_memory_map_is_the_one_in_use(name: str) -> None:
    assert str(getattr(protocol, name)) in ROWS


CAPACITIES = [protocol.MAX_PAIRS, protocol.MAX_COMPLETIONS, protocol.MAX_SUBMISSIONS, protocol.MAX_RETURNED]


@pytest.mark.parametrize("number", CAPACITIES)
def test_capacities_are_those_in_use(number: int) -> None:
    assert f"up to {number:,} of" in TEXT
