"""How names and strings of a component are written in WebAssembly, Python, JSON, and text for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LONGEST_LINE: Final = 1000
MOST_NAMES: Final = 10
"""Names in a list; a component may have thousands."""


def wat_string(text: str) -> str:
    """`text` as a string literal of WebAssembly text."""
    if text.isascii() and text.isprintable() and not ('"' in text or "\\" in text):
        return f'"{text}"'  # nearly always
    return '"' + "".join(_wat_character(byte) for byte in text.encode()) + '"'


def _wat_character(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:02x}"


def python_string(text: str) -> str:
    """`text` as a string literal of Python, in ASCII."""
    import json  # takes milliseconds, and only `wasihost stubs` needs it

    return json.dumps(text) if text.isascii() else ascii(text)


def json_text(text: str, encoding: str = "utf-8") -> str:
    """JSON with an escape for each character that a terminal would obey or not show, or that `encoding` lacks."""
    if text.isascii() and text.isprintable():
        return text
    import json

    return "".join(c if c.isprintable() and _has(encoding, c) else json.dumps(c)[1:-1] for c in text)


def _has(encoding: str, character: str) -> bool:
    return bool(character.encode(encoding, "ignore"))


def line(text: str) -> str:
    """`text` as one line of a message, cut where it is longer than a message should be."""
    shown = printable(text)
    return shown if len(shown) <= LONGEST_LINE else shown[: LONGEST_LINE - 1] + "…"


def some(names: Sequence[str]) -> str:
    """The first few names of a list, and how many more there are."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"


def printable(text: str, keep: str = "") -> str:
    """`text` as a terminal or a log shows it and does nothing else: no control characters but those to `keep`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)
