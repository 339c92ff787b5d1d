"""`MemoryContent` is what one long `bytearray` would be, wherever its blocks begin and end."""

from __future__ import annotations

import random

import pytest

from wasihost._wasi.filesystem.virtual import memory_content
from wasihost._wasi.filesystem.virtual.memory_content import MemoryContent


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_one_bytearray_would_be(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_content, "BLOCK", 16)
    chance = random.Random(seed)
    content, expected = MemoryContent(), bytearray()
    for _ in range(200):
        offset, size = chance.randrange(150), chance.randrange(60)
        if chance.random() < 0.7:
            data = chance.randbytes(size)
            content.write(memoryview(data), offset)
            if data:
                expected.extend(bytes(max(offset + size - len(expected), 0)))
                expected[offset : offset + size] = data
        else:
            content.set_size(offset)
            expected = expected[:offset].ljust(offset, b"\0")
        assert (content.size, bytes(content)) == (len(expected), bytes(expected))
        assert bytes(content.read(size, offset)) == expected[offset : offset + size]


def test_zeros_that_were_never_written_take_no_memory() -> None:
    content = MemoryContent()
    content.set_size(1 << 40)
    assert (content.size, bytes(content.read(3, 1 << 39)), content._blocks) == (1 << 40, b"\0\0\0", [])
