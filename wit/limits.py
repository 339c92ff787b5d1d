"""The table of limits in README.md, from `Limits`: `make docs` writes it."""

from __future__ import annotations

from wasihost._base.bounds import Bound, bounds, shown
from wasihost._base.limits import LARGEST, Limits


def table() -> str:
    """One line for each limit: its default, whether it can be raised, and what it bounds."""
    rows = [
        f"| `{name}` | {shown(name, bound.default)} | {_can_be_raised(name, bound)} | {bound.what} |"
        for name, bound in bounds(Limits).items()
    ]
    return "\n".join(["| limit | default | can be raised | bounds |", "|---|---|---|---|", *rows, ""])


def _can_be_raised(name: str, bound: Bound) -> str:
    if bound.greatest in (None, LARGEST):
        return "yes"
    return "no" if bound.default == bound.greatest else f"to {shown(name, bound.greatest)}"
