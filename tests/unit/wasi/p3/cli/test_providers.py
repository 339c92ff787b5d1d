"""The interfaces of wasi:cli without streams."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from typing import Any

import pytest

from wasihost._base.errors import GuestExit
from wasihost._component.values import Err, Ok
from wasihost._wasi.cli import Command, Stdio
from wasihost._wasi.common.exit import Exit
from wasihost._wasi.p3.cli import providers
from wasihost._wasi.p3.cli.environment import Environment


@pytest.fixture
def terminal() -> Iterator[int]:
    controller, terminal = pty.openpty()
    yield terminal
    os.close(controller)
    os.close(terminal)


def test_the_guest_sees_the_environment_it_was_given() -> None:
    environment = Environment(Command({"A": "1", "B": ""}, ["prog", "-x"], "/home"))
    assert environment.get_environment() == [("A", "1"), ("B", "")]
    assert environment.get_arguments() == ["prog", "-x"]
    assert environment.get_initial_cwd() == "/home"


def test_the_guest_sees_nothing_of_this_process_by_default() -> None:
    environment = Environment(Command())
    assert (environment.get_environment(), environment.get_arguments()) == ([], [])
    assert environment.get_initial_cwd() is None


@pytest.mark.parametrize(("status", "code"), [(Ok(), 0), (Err(), 1)])
def test_exit_raises_the_code_of_its_status(status: Ok | Err, code: int) -> None:
    with pytest.raises(GuestExit) as caught:
        Exit().exit(status)
    assert caught.value.code == code


def test_exit_with_code_raises_that_code() -> None:
    with pytest.raises(GuestExit) as caught:
        Exit().exit_with_code(42)
    assert caught.value.code == 42


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_each_stream_is_asked_for_itself(terminal: int, name: str) -> None:
    targets: dict[str, Any] = {"stdin": b"", "stdout": print, "stderr": print, name: terminal}
    command = Command(**targets)
    found: dict[str, Any] = providers(command, Stdio(command))
    asked = {
        "stdin": found["wasi:cli/terminal-stdin@0.3.0"].get_terminal_stdin(),
        "stdout": found["wasi:cli/terminal-stdout@0.3.0"].get_terminal_stdout(),
        "stderr": found["wasi:cli/terminal-stderr@0.3.0"].get_terminal_stderr(),
    }
    assert [name for name, handle in asked.items() if handle is not None] == [name]
