"""Which blocks of memory a stream gets."""

from __future__ import annotations

from wasihost.component.composition.protocol import (
    BLOCK_COUNT,
    BLOCK_SIZE,
    HEAP,
    LARGE_BLOCK_COUNT,
    LARGE_BLOCK_SIZE,
    LARGE_BLOCKS,
)
from wasihost.component.running.blocks import Blocks, block_size


def take(blocks: Blocks, *, bulk: bool = False) -> int:
    block = blocks.take(bulk)
    assert block is not None
    return block


def test_blocks_are_handed_out_once_and_waited_for() -> None:
    blocks = Blocks()
    taken = [take(blocks) for _ in range(BLOCK_COUNT)]
    assert len(set(taken)) == BLOCK_COUNT
    assert blocks.take() is None
    woken: list[int | None] = []
    blocks.want(lambda: woken.append(blocks.take()))
    blocks.give(taken[3])
    assert woken == [taken[3]]


def test_no_two_blocks_overlap() -> None:
    blocks = Blocks()
    taken = sorted(take(blocks, bulk=True) for _ in range(BLOCK_COUNT + LARGE_BLOCK_COUNT))
    ends = [block + block_size(block) for block in taken]
    assert ends == [*taken[1:], HEAP]


def test_a_stream_in_bulk_gets_a_large_block_while_there_is_one() -> None:
    blocks = Blocks()
    sizes = [block_size(take(blocks, bulk=True)) for _ in range(LARGE_BLOCK_COUNT + 1)]
    assert sizes == [LARGE_BLOCK_SIZE] * LARGE_BLOCK_COUNT + [BLOCK_SIZE]


def test_nobody_gets_a_large_block_in_a_turn_with_many_completions() -> None:
    blocks = Blocks()
    blocks.begin_turn(LARGE_BLOCK_COUNT)
    assert take(blocks, bulk=True) < LARGE_BLOCKS
    blocks.begin_turn(1)
    assert take(blocks, bulk=True) >= LARGE_BLOCKS


def test_nobody_gets_a_large_block_while_many_streams_have_one() -> None:
    blocks = Blocks()
    taken = [take(blocks) for _ in range(LARGE_BLOCK_COUNT)]
    blocks.begin_turn(1)
    assert take(blocks, bulk=True) < LARGE_BLOCKS
    for block in taken:
        blocks.give(block)
    blocks.begin_turn(1)
    assert take(blocks, bulk=True) >= LARGE_BLOCKS
