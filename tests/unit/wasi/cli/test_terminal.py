"""Which standard streams are terminals."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator

import pytest

from wasihost._wasi.cli.terminal import is_terminal


@pytest.fixture
def terminal() -> Iterator[int]:
    controller, terminal = pty.openpty()
    yield terminal
    os.close(controller)
    os.close(terminal)


def test_a_terminal_is_one_by_descriptor_text_and_buffer(terminal: int) -> None:
    with open(terminal, closefd=False) as text:
        assert all(map(is_terminal, (terminal, text, text.buffer)))


def test_nothing_else_is_one() -> None:
    with open(os.devnull) as device:
        assert not any(map(is_terminal, (b"bytes", io.BytesIO(), io.StringIO(), print, device, device.fileno())))
