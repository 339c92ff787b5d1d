"""The programs of docs/how-to/scale.md print what the page shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.test_arrow import SCORES
from tests.release.pages import blocks, matches

BLOCKS = blocks("how-to/scale.md")
FILES = {block.file: block.text for block in BLOCKS if block.file is not None}
COMMANDS = [command for block in BLOCKS if block.language == "console" for command in block.commands()]


def test_all_programs_are_run() -> None:
    assert {f"python {name}" for name in FILES} == {command for command, _ in COMMANDS}


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_program_prints_what_is_shown(tmp_path: Path, command: str, shown: str) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "scores.wasm").symlink_to(SCORES)
    done = subprocess.run(
        [sys.executable, *command.split()[1:]],
        cwd=tmp_path,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert matches(shown, done.stdout), done.stderr
