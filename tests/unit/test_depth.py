"""No object reaches through its neighbours: `self.a.b.c` at most, with a method of c or an attribute of it counted."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "host" / "wasihost"
DEEPEST = 3


def _chains(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts: list[str] = []
        inner: ast.expr | None = node if isinstance(node, ast.Attribute) else None
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and len(parts) > DEEPEST:
            yield f"{path.name}:{inner.lineno}: {'.'.join([inner.id, *reversed(parts)])}"


def test_nothing_reaches_four_objects_deep() -> None:
    assert [chain for path in sorted(PACKAGE.rglob("*.py")) for chain in _chains(path)] == []
