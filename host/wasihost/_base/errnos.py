"""Tables of errnos, written by the names of the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def by_number(names: Mapping[T, str], module: ModuleType) -> dict[int, T]:
    """The code of each number, from the names of the numbers; not every platform has every name."""
    pairs = ((name, code) for code, texts in names.items() for name in texts.split())
    return {getattr(module, name): code for name, code in pairs if hasattr(module, name)}
