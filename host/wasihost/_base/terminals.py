"""Terminals: whether a stream may have colours, and how text gets one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO


def may_have_colours(stream: IO[str], environment: Mapping[str, str]) -> bool:
    """Whether it is a terminal; NO_COLOR and FORCE_COLOR come first (no-color.org, force-color.org)."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return environment.get("TERM") != "dumb" and stream.isatty()


def coloured(text: str, style: str) -> str:
    """The text between the escape sequences for a style of ECMA-48, such as `1` for bold."""
    return f"\x1b[{style}m{text}\x1b[0m"
