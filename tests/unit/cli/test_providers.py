"""The interfaces of wasi:cli without streams."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator

import pytest

from wasihost.component.values import Err, Ok
from wasihost.errors import GuestExit
from wasihost.wasi.cli import providers
from wasihost.wasi.cli.environment import Environment
from wasihost.wasi.cli.exit import Exit
from wasihost.wasi.cli.terminal import TerminalStderr, TerminalStdin, TerminalStdout


@pytest.fixture
def terminal() -> Iterator[int]:
    controller, terminal = pty.openpty()
    yield terminal
    os.close(controller)
    os.close(terminal)


def test_the_guest_sees_the_environment_it_was_given() -> None:
    environment = Environment({"A": "1", "B": ""}, ["prog", "-x"], "/home")
    assert environment.get_environment() == [("A", "1"), ("B", "")]
    assert environment.get_arguments() == ["prog", "-x"]
    assert environment.get_initial_cwd() == "/home"


def test_the_guest_sees_nothing_of_this_process_by_default() -> None:
    environment = providers()["wasi:cli/environment"]
    assert isinstance(environment, Environment)
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


def test_a_terminal_is_told_of(terminal: int) -> None:
    with open(terminal, closefd=False) as text:
        for target in (terminal, text, text.buffer):
            assert TerminalStdin(target).get_terminal_stdin() is not None
            assert TerminalStdout(target).get_terminal_stdout() is not None
            assert TerminalStderr(target).get_terminal_stderr() is not None


def test_what_is_no_terminal_is_none() -> None:
    with open(os.devnull) as device:
        for target in (b"bytes", io.BytesIO(), io.StringIO(), print, device, device.fileno()):
            assert TerminalStdin(target).get_terminal_stdin() is None
            assert TerminalStdout(target).get_terminal_stdout() is None
            assert TerminalStderr(target).get_terminal_stderr() is None


def test_each_stream_is_asked_for_itself(terminal: int) -> None:
    found = providers(stdin=b"", stdout=terminal, stderr=lambda data: None)
    asked = {
        "stdin": found["wasi:cli/terminal-stdin"].get_terminal_stdin(),  # type: ignore[attr-defined]
        "stdout": found["wasi:cli/terminal-stdout"].get_terminal_stdout(),  # type: ignore[attr-defined]
        "stderr": found["wasi:cli/terminal-stderr"].get_terminal_stderr(),  # type: ignore[attr-defined]
    }
    assert [name for name, handle in asked.items() if handle is not None] == ["stdout"]
