"""docs/how-to/observe.md names every logger."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/observe.md").read_text(encoding="utf-8")


def test_the_loggers_of_the_page_are_those_of_the_source() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "host/wasihost").rglob("*.py"))
    made = set(re.findall(r'getLogger\("(wasihost\.\w+)"\)', sources))
    assert made == set(re.findall(r"^\| `(wasihost\.\w+)` \|", PAGE, re.MULTILINE))
