"""The code of a page of docs/, run as a reader would: Python block by block, commands in a shell.

- Blocks of Python share their names, and may `await`. A block without a language after one of them is its output: that
  to stdout, or to stdout and stderr.
- A block that begins with a comment of a file's name becomes that file, for commands and tests.
- Blocks with tests are given to pytest, all of a page at once.
- Commands of the tutorial and of `NIGHTLY` are run, and the lines below them are their output; the parser has to accept
  those of `wasihost` in other pages. A server runs until the page ends.
- WIT is that of a guest, and the parser accepts the commands of a Dockerfile.
- `…` in shown output means any text.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
import trio

from tests import shared
from tests.processes import TIMEOUT_S, run
from wasihost._commands.cli import COMMANDS, parser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PREBUILT = ROOT / "guest-fixtures/prebuilt"
WITHOUT = ("asyncio", "anyio", "cacheprovider", "hypothesispytest", "randomly", "xdist", "xdist.looponfail")
NIGHTLY = ("how-to/arrow.md", "how-to/fastapi.md", "how-to/jupyter.md", "how-to/processes.md", "how-to/sandbox.md")
"""Pages that need packages of others, or minutes."""
NOT_RUN = ("celery", "pip", "pytest", "uvicorn")
"""Packages are installed here, tests are run, and tests/outside has servers."""
CHECKED_ELSEWHERE = ("", "nginx", "text")
WIT = "\n".join(
    path.read_text(encoding="utf-8") for name in ("guest-fixtures", "examples") for path in (ROOT / name).rglob("*.wit")
)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The name of the file that it is, if it begins with one."""
        found = re.match(r"(?:#|//) ([\w.]+)\n", self.text)
        return found[1] if found else None

    @property
    def has_tests(self) -> bool:
        return (
            self.language == "python"
            and re.search(r"^(async )?def (test|pytest)_|^@pytest", self.text, re.M) is not None
        )

    def commands(self) -> Iterator[tuple[str, str]]:
        """Each command, with the output below it."""
        for part in re.split(r"^\$ ", self.text.replace("\\\n", ""), flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            yield command.partition("  #")[0].strip(), shown.rstrip("\n")


END = Block("end", "")


def blocks(name: str) -> list[Block]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [Block(*each) for each in found]


NAMES = [name for name in sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")) if blocks(name)]


def matches(shown: str, printed: str) -> bool:
    pattern = ".*?".join(map(re.escape, shown.strip().split("…")))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


class Tee(io.StringIO):
    """Writes to another one too."""

    def __init__(self, other: io.StringIO) -> None:
        super().__init__()
        self._other = other

    def write(self, text: str) -> int:
        self._other.write(text)
        return super().write(text)


class Server:
    """A component that `wasihost serve` serves."""

    def __init__(self, command: str, folder: Path) -> None:
        words = [sys.executable, "-m", "wasihost", *shlex.split(command)[1:], "--addr", "127.0.0.1:0"]
        self._process = subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, text=True)
        self.address = self._line().removeprefix("Serving HTTP on http://").rstrip("/\n")

    def _line(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def stop(self) -> str:
        """Ends it: its output."""
        self._process.terminate()
        return self._process.communicate(timeout=TIMEOUT_S)[1]


class Reader:
    """Types in a page, in a folder of its own. `names` are those that fragments of Python use without an import."""

    def __init__(self, name: str, folder: Path, names: Mapping[str, Any]) -> None:
        self._name = name
        self._folder = folder
        self._names = {"__name__": "__main__", **names}
        self._server: Server | None = None
        self._runner = asyncio.Runner()  # one event loop for a page, as a notebook has

    def read(self) -> None:
        every = blocks(self._name)
        try:
            with self._runner:
                for block, after in zip_longest(every, every[1:], fillvalue=END):
                    if not block.has_tests:
                        self._read(block, after)
        finally:
            log = self._server.stop() if self._server is not None else ""
        assert all(block.text in log for block in every if block.text.startswith("wasihost: "))
        self._test([block.text for block in every if block.has_tests])

    def _read(self, block: Block, after: Block) -> None:
        match block.language:
            case _ if block.file is not None:
                (self._folder / block.file).write_text(block.text, encoding="utf-8")
            case "python":
                printed, with_errors = self._python(block.text)
                if printed and not after.language:
                    assert matches(after.text, printed) or matches(after.text, with_errors), with_errors
            case "console":
                for command, shown in block.commands():
                    self._type(command, shown)
            case "dockerfile":
                for words in map(json.loads, re.findall(r"^(?:CMD|RUN) (\[.*\])$", block.text, re.MULTILINE)):
                    assert words[0] == "wasihost"
                    understood(words[1:])
            case "wit":
                assert block.text in WIT
            case language:
                assert language in CHECKED_ELSEWHERE

    def _python(self, text: str) -> tuple[str, str]:
        """The output of a block and its guests: to stdout, and all of it."""
        both = io.StringIO()
        printed = Tee(both)
        code = compile(text, self._name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(both):
            if not code.co_flags & inspect.CO_COROUTINE:
                exec(code, self._names)
            elif "trio." in text:
                trio.run(self._awaited, code)
            else:
                self._runner.run(self._awaited(code))
        return printed.getvalue(), both.getvalue()

    async def _awaited(self, code: CodeType) -> None:
        await eval(code, self._names)

    def _type(self, command: str, shown: str) -> None:
        first, *words = shlex.split(command)
        if first == "curl" and shutil.which("curl") is None:
            pytest.skip("curl is not installed: make tools")
        if first in NOT_RUN:
            return
        if not self._name.startswith("tutorial/") and self._name not in NIGHTLY:
            if first == "wasihost":
                understood(words)
        elif words[:1] == ["serve"]:
            self._server = Server(command, self._folder)
        else:
            printed = self._shell(command)
            assert not shown or matches(shown, printed), f"$ {command}\n{printed}"

    def _shell(self, command: str) -> str:
        """The output of a command; requests to the server go to its port."""
        if self._server is not None:
            command = command.replace("curl", "curl --silent").replace("127.0.0.1:8080", self._server.address)
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(shared.caches()),
        }
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self._folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.stdout

    def _test(self, tests: list[str]) -> None:
        """Gives them to pytest; those of a page that configure it are not of one and the same project."""
        tests = [text for text in tests if "def pytest_" not in text and "def anyio_backend" not in text]
        if not tests:
            return
        files = [self._folder / f"test_{number}.py" for number in range(len(tests))]
        for file, text in zip(files, tests, strict=True):
            file.write_text(text, encoding="utf-8")
        plugins = [f"-pno:{name}" for name in WITHOUT]
        done = run("-m", "pytest", "-q", "-W", "error", *plugins, "--rootdir", ".", *map(str, files), cwd=self._folder)
        assert done.returncode == 0, done.stdout


def understood(words: list[str]) -> None:
    """Fails if the parser does not accept these words."""
    if words[-1] in ("--help", "--version"):
        return
    parser().parse_args(words if words[0] in COMMANDS else ["run", *words])
