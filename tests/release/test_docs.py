"""What docs/how-to/recordings.md says about recordings is so."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.processes import run
from wasihost._network.base import Option
from wasihost._recording.events import EVENTS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/how-to/recordings.md").read_text(encoding="utf-8")


def test_every_event_is_described_with_its_fields() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]*) \|", TEXT, re.MULTILINE)
    described = [(kind, tuple(re.findall(r"`(\w+)`", fields))) for kind, fields in rows]
    assert described == [(kind, event.__match_args__[2:]) for kind, event in EVENTS.items()]


def test_every_option_is_named() -> None:
    assert [option.name for option in Option if f"`{option.name}`" not in TEXT] == []


@pytest.mark.slow
def test_the_examples_run_and_their_replays_print_the_same(tmp_path: Path) -> None:
    os.symlink(ROOT / "guest-fixtures", tmp_path / "guest-fixtures")
    examples = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    done = [run("-c", example, cwd=tmp_path) for example in examples]
    assert [(each.returncode, each.stderr) for each in done] == [(0, "")] * 3
    first, second = re.split(r"(?<=ok connection-refused\n)", done[0].stdout, maxsplit=1)
    assert first == second != ""
    assert done[1].stdout == 2 * "ok write\n"
