"""wasi:cli 0.2: the command's environment, its standard streams, exit, terminals."""

from __future__ import annotations

import os
import pty
from typing import Any

import pytest

from tests.unit.wasi.p2.io.fakes import settled
from wasihost._base.errors import GuestExit
from wasihost._base.streams import Unwritten
from wasihost._component.values import Err, Ok
from wasihost._wasi.cli import Command, Stdio
from wasihost._wasi.common.exit import Exit
from wasihost._wasi.p2.cli import providers


def _found(command: Command) -> dict[str, Any]:
    return {
        name.removeprefix("wasi:cli/").removesuffix("@0.2.0"): each
        for name, each in providers(command, Stdio(command), Unwritten()).items()
    }


def test_the_guest_sees_what_the_command_was_given() -> None:
    environment = _found(Command({"A": "1", "B": ""}, ["prog", "-x"], "/home"))["environment"]
    assert environment.get_environment() == [("A", "1"), ("B", "")]
    assert environment.get_arguments() == ["prog", "-x"]
    assert environment.initial_cwd() == "/home"


@pytest.mark.parametrize(("status", "code"), [(Ok(), 0), (Err(), 1)])
def test_exit_raises_the_code_of_its_status(status: Ok | Err, code: int) -> None:
    with pytest.raises(GuestExit) as caught:
        Exit().exit(status)
    assert caught.value.code == code


def test_exit_with_code_raises_that_code() -> None:
    with pytest.raises(GuestExit) as caught:
        Exit().exit_with_code(42)
    assert caught.value.code == 42


async def test_streams_read_and_write_what_the_command_has() -> None:
    written: list[bytes] = []
    found = _found(Command(stdin=b"hello", stdout=written.append, stderr=written.append))
    first, second = found["stdin"].get_stdin(), found["stdin"].get_stdin()
    assert (first.read(2), second.read(10)) == (b"he", b"llo")
    for output in (found["stdout"].get_stdout(), found["stderr"].get_stderr()):
        output.write(b"unasked")
        output.drop()
    assert written == [b"unasked", b"unasked"]
    first.drop()
    second.drop()


async def test_what_one_stream_of_stdin_read_ahead_is_there_for_the_next() -> None:
    stdin = _found(Command(stdin=b"hello"))["stdin"]
    first = stdin.get_stdin()
    await settled(first.blocking_read(1))
    first.drop()
    assert stdin.get_stdin().read(10) == b"ello"


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_each_stream_is_asked_whether_it_is_a_terminal(name: str) -> None:
    controller, terminal = pty.openpty()
    try:
        targets: dict[str, Any] = {"stdin": b"", "stdout": print, "stderr": print, name: terminal}
        found = _found(Command(**targets))
        asked = {each: getattr(found[f"terminal-{each}"], f"get_terminal_{each}")() for each in targets}
        assert [each for each, handle in asked.items() if handle is not None] == [name]
    finally:
        os.close(controller)
        os.close(terminal)
