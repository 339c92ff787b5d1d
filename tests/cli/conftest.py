"""The command line as a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import shared
from tests.cli import forked
from tests.processes import TIMEOUT_S

PREBUILT = Path(__file__).parents[2] / "guest-fixtures" / "prebuilt"


@dataclass
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass
class Cli:
    """Runs `python -m wasihost` in a folder of its own."""

    folder: Path
    caches: Path = field(default_factory=shared.caches)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(
        self, *words: str | Path, program: Sequence[str] = ("-m", "wasihost"), **options: object
    ) -> subprocess.Popen[str]:
        """Starts a command, whose standard streams are pipes."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, *program, *words],
            cwd=self.folder,
            env=self._environment(),
            text=True,
            **pipes,  # type: ignore[call-overload]
        )
        self.started.append(process)
        return process

    def __call__(self, *words: str | Path, stdin: str = "") -> Finished:
        """Runs a command to its end, in a fork."""
        streams = self.folder / ".streams"
        streams.mkdir(exist_ok=True)
        (streams / "stdin").write_text(stdin)
        code = forked.exit_code([*map(str, words)], self.folder, streams, self._environment())
        return Finished(code, (streams / "stdout").read_text(), (streams / "stderr").read_text())

    def finish(self, process: subprocess.Popen[str], stdin: str = "") -> Finished:
        """Waits for the end of a command that was started, whose standard streams are pipes."""
        out, err = process.communicate(stdin, TIMEOUT_S)
        return Finished(process.returncode, out, err)

    def _environment(self) -> dict[str, str]:
        return os.environ | {"ONLY_OF_THE_HOST": "1", "XDG_CACHE_HOME": str(self.caches)}

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()
            for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path)
    yield cli
    cli.end()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], str]:
    """Writes a component into the folder of `cli`; gives its name."""

    def write(wasm: bytes, name: str = "guest.wasm") -> str:
        (tmp_path / name).write_bytes(wasm)
        return name

    return write
