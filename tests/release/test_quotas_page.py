"""The command of docs/how-to/quotas.md prints what the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.processes import run

PAGE = (Path(__file__).parents[2] / "docs/how-to/quotas.md").read_text(encoding="utf-8")


def test_the_command_prints_what_is_shown() -> None:
    found = re.search(r"^\$ wasihost (.*?)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert found
    done = run("-m", "wasihost", *shlex.split(found[1]))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", found[2])
