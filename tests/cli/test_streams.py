"""`wasihost run` between pipes and at a terminal, as any other program of the shell."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli import commands
from tests.cli.conftest import PREBUILT, Cli
from tests.processes import TIMEOUT_S
from wasihost._recording import Recording
from wasihost._recording.events import Wrote

CAT, CLI, STD = (PREBUILT / f"rust-{name}.wasm" for name in ("cat", "cli", "std-p2"))
MIB = 1 << 20


def _produce(size: int) -> list[str]:
    return ["run", "--env", "MODE=produce", "--env", f"BYTES={size}", str(CAT)]


def _out(process: subprocess.Popen[str]) -> io.BufferedReader:
    """Its stdout as bytes."""
    buffer = getattr(process.stdout, "buffer", None)
    assert isinstance(buffer, io.BufferedReader)
    return buffer


# ---- pipes


def test_output_larger_than_a_pipe_arrives_whole(cli: Cli) -> None:
    process = cli.start(*_produce(8 * MIB))
    assert _out(process).read() == bytes(range(256)) * (8 * MIB // 256)
    assert process.wait(TIMEOUT_S) == 0


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells how much memory another process has"
)
def test_output_of_any_length_costs_no_memory(cli: Cli) -> None:
    process = cli.start(*_produce(512 * MIB))
    out, received = _out(process), 0
    while received < 511 * MIB:  # what is left is more than the pipe holds, so the process is still there
        received += len(out.read1(65536))
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    assert received + len(out.read()) == 512 * MIB
    assert process.wait(TIMEOUT_S) == 0
    assert peak * 1024 < 512 * MIB


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_guest_whose_reader_is_gone_ends_with_141_and_without_a_word(cli: Cli, closed: str) -> None:
    words = _produce(1 << 40) if closed == "stdout" else ["run", "--env", "CASE=return-err", str(CLI)]
    process = cli.start(*words)
    if closed == "stdout":
        _out(process).read(5)
    getattr(process, closed).close()
    other = process.stderr if closed == "stdout" else process.stdout
    assert other
    assert other.read() == ""
    assert process.wait(TIMEOUT_S) == 141


@pytest.mark.parametrize("closed", [(1, 2), (2, 3), (0, 3)], ids=["stdout", "stderr", "all"])
@pytest.mark.parametrize("guest", [STD, CAT], ids=["0.2", "0.3"])
def test_output_to_a_stream_that_is_closed_goes_nowhere(cli: Cli, closed: tuple[int, int], guest: Path) -> None:
    words = ["run", "--record", "run.jsonl", "--env", "CASE=copy", "--env", "MODE=copy", str(guest)]
    process = cli.start(*words, preexec_fn=lambda: os.closerange(*closed))
    out, err = process.communicate("a few words", TIMEOUT_S)
    count = 0 if closed == (0, 3) else len("a few words")
    assert process.returncode == 0
    assert (out, f"{count} bytes" in err) == ("" if closed != (2, 3) else "a few words", closed == (1, 2))
    written = [event.data for event in Recording.load(cli.folder / "run.jsonl").events if isinstance(event, Wrote)]
    assert f"{count} bytes".encode() in b"".join(written)


@pytest.mark.parametrize("wasip2", ["python", "native"])
def test_a_guest_that_writes_by_wasi_0_2_ends_with_141_too(cli: Cli, wasip2: str) -> None:
    process = cli.start("run", "--wasip2", wasip2, "--env", "CASE=copy", STD)
    assert process.stdin
    assert process.stdout
    process.stdout.close()
    process.stdin.write("line\n" * 10_000)
    process.stdin.close()
    assert process.wait(TIMEOUT_S) == 141
    assert process.stderr
    assert "wasihost" not in process.stderr.read()


def test_a_guest_that_does_not_write_keeps_its_own_exit_code(cli: Cli, write: Callable[[bytes], str]) -> None:
    process = cli.start("run", write(commands.exit_with(7)))
    assert process.stdout
    process.stdout.close()
    assert process.wait(TIMEOUT_S) == 7


def test_a_stdin_that_never_ends_keeps_nobody_from_ending(cli: Cli) -> None:
    process = cli.start("run", "--env", "CASE=read-a-little", CLI)
    assert process.stdin
    process.stdin.write("more than one byte")
    process.stdin.flush()
    assert process.wait(TIMEOUT_S) == 0


def test_a_stdin_that_nobody_writes_to_can_be_left_unread(cli: Cli) -> None:
    process = cli.start(*_produce(10))
    assert process.wait(TIMEOUT_S) == 0


def test_stdin_arrives_as_it_is_written(cli: Cli) -> None:
    process = cli.start("run", CAT)
    assert process.stdin
    for word in ("one", "two"):
        process.stdin.write(word)
        process.stdin.flush()
        assert _out(process).read1(100) == word.encode()
    process.stdin.close()
    assert _out(process).read() == b""
    assert process.wait(TIMEOUT_S) == 0


# ---- a terminal


class Terminal:
    """The side of a person: what is typed, and what appears."""

    def __init__(self, controller: int) -> None:
        self._controller = controller
        self.shown = b""

    def type(self, text: bytes) -> None:
        os.write(self._controller, text)

    def wait_for(self, text: bytes) -> None:
        """Reads until `text` appeared, and forgets it and what came before."""
        while text not in self.shown:
            self.shown += os.read(self._controller, 4096)
        self.shown = self.shown.partition(text)[2]


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    controller, terminal = pty.openpty()
    attributes = termios.tcgetattr(terminal)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    yield controller, terminal
    os.close(controller)
    os.close(terminal)


def _at(cli: Cli, terminal: int, *words: str | Path) -> subprocess.Popen[str]:
    """A command whose controlling terminal this is, so that Ctrl-C reaches it."""

    def take_terminal() -> None:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    return cli.start(
        *words, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, preexec_fn=take_terminal
    )


def test_a_conversation_at_a_terminal(cli: Cli, ends: tuple[int, int]) -> None:
    terminal = Terminal(ends[0])
    process = _at(cli, ends[1], "run", "--env", "CASE=lines", CLI)
    for line in (b"hello", b"how are you"):
        terminal.wait_for(b"> ")
        terminal.type(line + b"\n")
        terminal.wait_for(b'you said "' + line + b'"')
    terminal.wait_for(b"> ")
    terminal.type(b"\x04")  # Ctrl-D
    terminal.wait_for(b"bye")
    assert process.wait(TIMEOUT_S) == 0


def test_ctrl_c_at_a_prompt_exits_130(cli: Cli, ends: tuple[int, int]) -> None:
    terminal = Terminal(ends[0])
    process = _at(cli, ends[1], "run", "--env", "CASE=lines", CLI)
    terminal.wait_for(b"> ")
    terminal.type(b"\x03")
    assert process.wait(TIMEOUT_S) == 130


def test_a_guest_at_a_terminal_is_told_so(cli: Cli, ends: tuple[int, int]) -> None:
    terminal = Terminal(ends[0])
    process = _at(cli, ends[1], "run", "--env", "CASE=terminals", CLI)
    terminal.wait_for(b"stdin true, stdout true, stderr true")
    assert process.wait(TIMEOUT_S) == 0


def test_each_standard_stream_is_a_terminal_or_not_by_itself(cli: Cli, ends: tuple[int, int]) -> None:
    process = cli.start("run", "--env", "CASE=terminals", CLI, stderr=ends[1])
    assert process.communicate(timeout=TIMEOUT_S)[0].startswith("stdin false, stdout false, stderr true")
