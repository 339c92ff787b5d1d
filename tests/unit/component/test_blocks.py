"""Which blocks of memory a stream gets."""

from __future__ import annotations

import pytest

from wasihost._component.composition.protocol import (
    BLOCK_COUNT,
    BLOCK_SIZE,
    HEAP,
    LARGE_BLOCK_COUNT,
    LARGE_BLOCK_SIZE,
)
from wasihost._component.running.streams.blocks import Block, Blocks

MEMORY = memoryview(bytearray(HEAP))


@pytest.fixture
def blocks() -> Blocks:
    return Blocks(MEMORY)


def take(blocks: Blocks, *, bulk: bool = False) -> Block:
    block = blocks.take(bulk)
    assert block is not None
    return block


def test_blocks_are_handed_out_once_and_waited_for(blocks: Blocks) -> None:
    taken = [take(blocks) for _ in range(BLOCK_COUNT)]
    assert len({block.address for block in taken}) == BLOCK_COUNT
    assert blocks.take() is None
    woken: list[Block | None] = []
    blocks.want(lambda: woken.append(blocks.take()))
    blocks.give(taken[3])
    assert woken == [taken[3]]


def test_no_two_blocks_overlap(blocks: Blocks) -> None:
    taken = [take(blocks, bulk=True) for _ in range(LARGE_BLOCK_COUNT)]
    taken += [take(blocks) for _ in range(BLOCK_COUNT)]
    taken.sort(key=lambda block: block.address)
    assert [block.address + block.size for block in taken] == [*(block.address for block in taken[1:]), HEAP]


def test_a_view_shows_memory_and_not_a_copy(blocks: Blocks) -> None:
    block = take(blocks)
    block.view[:3] = b"abc"
    assert bytes(MEMORY[block.address : block.address + 3]) == b"abc"


def test_a_stream_in_bulk_gets_a_large_block_while_there_is_one(blocks: Blocks) -> None:
    sizes = [take(blocks, bulk=True).size for _ in range(LARGE_BLOCK_COUNT + 1)]
    assert sizes == [LARGE_BLOCK_SIZE] * LARGE_BLOCK_COUNT + [BLOCK_SIZE]


def test_nobody_gets_a_large_block_in_a_turn_with_many_completions(blocks: Blocks) -> None:
    blocks.completions = LARGE_BLOCK_COUNT
    assert take(blocks, bulk=True).size == BLOCK_SIZE
    blocks.completions = 1
    assert take(blocks, bulk=True).size == LARGE_BLOCK_SIZE


def test_nobody_gets_a_large_block_while_many_streams_have_one(blocks: Blocks) -> None:
    taken = [take(blocks) for _ in range(LARGE_BLOCK_COUNT)]
    assert take(blocks, bulk=True).size == BLOCK_SIZE
    for block in taken:
        blocks.give(block)
    assert take(blocks, bulk=True).size == LARGE_BLOCK_SIZE


def test_thousands_who_wait_and_then_need_no_block_are_called_one_after_another(blocks: Blocks) -> None:
    taken = [take(blocks) for _ in range(BLOCK_COUNT)]
    called: list[int] = []

    def has_nothing_to_read() -> None:
        called.append(len(called))
        blocks.give(take(blocks))

    for _ in range(5000):
        blocks.want(has_nothing_to_read)
    blocks.give(taken[0])
    assert len(called) == 5000
