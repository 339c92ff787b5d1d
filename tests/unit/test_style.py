"""What CONTRIBUTING.md asks of the code in host/ and ruff cannot check."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).parents[2] / "host"


@functools.cache
def _statements() -> list[tuple[str, ast.Assign | ast.Call]]:
    """Every assignment and call, with its place."""
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for path in sorted(ROOT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign | ast.Call)
    ]


def _names(node: ast.expr) -> set[str]:
    return {ast.unparse(part) for part in ast.walk(node) if isinstance(part, ast.Attribute | ast.Name)}


def _is_several_assignments(node: ast.AST) -> bool:
    """Whether it is `a, b = x, y`, where no name is on both sides, as when two are swapped."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            is_unpacked = any(isinstance(each, ast.Starred) for each in [*targets, *values])
            stored = {ast.unparse(target) for target in targets}
            return not is_unpacked and not stored & {name for value in values for name in _names(value)}
    return False


def test_each_name_is_assigned_in_a_line_of_its_own() -> None:
    assert [where for where, node in _statements() if _is_several_assignments(node)] == []


def test_no_arguments_are_grouped_to_save_lines() -> None:
    groups = [
        where
        for where, node in _statements()
        if isinstance(node, ast.Call)
        and any(isinstance(each, ast.Starred) and isinstance(each.value, ast.Tuple) for each in node.args)
    ]
    assert groups == []
