"""docs/reference/api.md names exactly what is public, and nothing else is used in code that users read."""

from __future__ import annotations

import ast
import importlib
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from wasihost import Instance

ROOT = Path(__file__).parents[2]
NAMES = ["wasihost", *sorted(f"wasihost.{path.stem}" for path in (ROOT / "host/wasihost").glob("[!_]*.py"))]
MODULES = {name: importlib.import_module(name) for name in NAMES}
PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
API = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([\w.]+)\n(.*?)(?=^## |\Z)", API, re.DOTALL | re.MULTILINE))


def _documented(section: str) -> list[str]:
    """The names in the first column of a section, and those before the words "as in"."""
    above = re.findall(r"`(\w+)`", section.partition(" as in ")[0]) if " as in " in section else []
    return sorted([*above, *re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)])


def _code() -> Iterator[tuple[str, str]]:
    """Python that users read, with the name of its file: blocks in pages, and the examples."""
    for page in PAGES:
        for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            yield page.name, block
    for path in sorted((ROOT / "examples").rglob("*.py")):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def _used(code: str) -> Iterator[tuple[str, str]]:
    """Each module of wasihost that the code imports, with each name that it takes from it."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module in ("wasihost", *MODULES):
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wasihost."):
            yield str(node.module), "anything"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "wasihost":
            yield "wasihost", node.attr


def _is_public(module: str, name: str) -> bool:
    return module in MODULES and (name in MODULES[module].__all__ or f"{module}.{name}" in MODULES)


def test_every_public_module_is_documented() -> None:
    assert sorted(SECTIONS) == NAMES


@pytest.mark.parametrize("name", MODULES)
def test_the_documented_names_are_the_public_ones(name: str) -> None:
    assert _documented(SECTIONS[name]) == sorted(MODULES[name].__all__)


def test_code_that_users_read_takes_only_public_names() -> None:
    used = [(file, *pair) for file, code in _code() for pair in _used(code)]
    assert [each for each in used if not _is_public(*each[1:])] == []


def test_pages_for_users_name_no_private_module() -> None:
    named = [(page.name, re.findall(r"wasihost\._[\w.]*", page.read_text(encoding="utf-8"))) for page in PAGES]
    assert [each for each in named if each[1]] == []


def test_an_instance_has_what_users_and_a_host_need_and_no_more() -> None:
    of_users = {"call", "close", "drain", "exports", "use_types"}
    of_hosts = {
        "begin_call",
        "context",
        "fail",
        "is_closed",
        "is_usable",
        "names",
        "use_context",
        "use_exports",
        "wait_with",
    }  # for pools, HTTP, and the native WASI 0.2
    assert {name for name in dir(Instance) if not name.startswith("_")} == of_users | of_hosts


def _classes(module: ModuleType) -> list[type]:
    return [each for name in module.__all__ if isinstance(each := getattr(module, name), type)]


@pytest.mark.parametrize("module", MODULES.values(), ids=list(MODULES))
def test_public_classes_have_public_names(module: ModuleType) -> None:
    assert [each for each in _classes(module) if "._" in each.__module__] == []
    assert [each for each in _classes(module) if pickle.loads(pickle.dumps(each)) is not each] == []
