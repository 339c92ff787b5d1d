"""docs/how-to/files.md: what it shows works, and what it says of error-codes is so."""

from __future__ import annotations

import re
import shlex
import zipfile
from pathlib import Path

import pytest

from tests.cli import commands
from wasihost._commands import file_options
from wasihost._commands.parsing import Parser

PAGE = (Path(__file__).parents[2] / "docs/how-to/files.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = re.findall(r"^\$ wasihost run (.*) guest\.wasm$", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with what the page speaks of."""
    monkeypatch.chdir(tmp_path)
    for name in ("src", "cache", "app"):
        Path(name).mkdir()
    with zipfile.ZipFile("data.zip", "w") as archive:
        archive.writestr("x", "")
    Path("guest.wasm").write_bytes(commands.OK)
    return tmp_path


@pytest.mark.parametrize("program", CODE)
def test_each_program_runs(folder: Path, program: str) -> None:
    exec(program, {"__name__": "__main__"})


def test_the_commands_are_understood(folder: Path) -> None:
    assert len(COMMANDS) == 2
    for text in COMMANDS:
        parser = Parser()
        file_options.add_to(parser)
        found = file_options.file_systems(parser.parse_args(shlex.split(text)))
        assert found["/src"].read_only
