"""What docs/how-to/recordings.md says about recordings is so."""

from __future__ import annotations

import re
from pathlib import Path

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
