"""What docs/how-to/quotas.md and docs/how-to/faults.md show runs, and prints what they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.processes import run

ROOT = Path(__file__).parents[2]
DOCS = {name: (ROOT / "docs/how-to" / f"{name}.md").read_text(encoding="utf-8") for name in ("quotas", "faults")}
SNIPPETS = [
    pytest.param(text, id=f"{name}-{number}")
    for name in DOCS
    for number, text in enumerate(re.findall(r"^```python\n(.*?)^```$", DOCS[name], re.DOTALL | re.MULTILINE), 1)
]


@pytest.mark.parametrize("text", SNIPPETS)
def test_a_snippet_runs(text: str) -> None:
    done = run("-W", "error", "-c", text)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_plan_prints_what_follows_it() -> None:
    snippet, shown = re.findall(r"^```(?:python)?\n(.*?)^```$", DOCS["faults"], re.DOTALL | re.MULTILINE)[:2]
    assert run("-c", snippet).stdout == shown


def test_the_command_prints_what_is_shown() -> None:
    found = re.search(r"^\$ wasihost (.*?)\n(.*?)^```$", DOCS["quotas"], re.DOTALL | re.MULTILINE)
    assert found
    done = run("-m", "wasihost", *shlex.split(found[1]))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", found[2])
