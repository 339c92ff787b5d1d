"""The table of limits in README.md, from `Limits`: `make docs` writes it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise

from wasihost._base.limits import BOUNDS, DEFAULTS, Limits

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def table() -> str:
    """One line for each limit: its default, whether it can be raised, and what it bounds."""
    rows = [
        f"| `{name}` | {shown(name, getattr(DEFAULTS, name))} | {_can_be_raised(name)} | {text.rstrip('.')} |"
        for name, text in _described()
    ]
    return "\n".join(["| limit | default | can be raised | bounds |", "|---|---|---|---|", *rows, ""])


def shown(name: str, value: float | None) -> str:
    """A value of a limit as people read it."""
    if value is None:
        return "none"
    return _bytes(int(value)) if name.endswith("bytes") else f"{value:,}"


def _bytes(value: int) -> str:
    unit, word = next((unit, word) for unit, word in _UNITS if value >= unit)
    count = -(-value // unit)
    less = count * unit - value
    return f"{count} {word}" + (f" - {_bytes(less)}" if less else "")


def _can_be_raised(name: str) -> str:
    if name not in BOUNDS:
        return "yes"
    greatest = BOUNDS[name][1]
    return "no" if getattr(DEFAULTS, name) == greatest else f"to {shown(name, greatest)}"


def _described() -> Iterator[tuple[str, str]]:
    """The fields, each with the docstring below it."""
    (cls,) = ast.parse(inspect.getsource(Limits)).body
    assert isinstance(cls, ast.ClassDef)
    for field, below in pairwise(cls.body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, text
