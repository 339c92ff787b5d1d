"""Imports follow the rooms of the tree: commands -> host -> wasi -> policy -> network -> base, and never back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2] / "host"
WASI = {"_base", "_component", "_http", "_network", "_policy"}
HOST = {*WASI, "_recording", "_wasi"}
ROOMS = {  # what each folder may import
    "_base": set[str](),
    "_component": {"_base"},
    "_network": {"_base"},
    "_http": {"_base", "_network"},
    "_policy": {"_base", "_http", "_network"},
    "_recording": {"_base", "_http", "_network", "_policy"},
    "_wasi": WASI,
    "_providers": {"_base", "_component"},
    "_testing": {"_base", "_network", "_wasi"},
    "_arrow": {"_base", "_component"},
    "_host": HOST,
    "_jobs": {*HOST, "_arrow", "_host"},
    "_commands": {*HOST, "_host", "_providers", "public"},
    "_pytest": {*HOST, "_host", "_testing", "public"},
    "public": {
        *HOST,
        "_arrow",
        "_host",
        "_jobs",
        "_providers",
        "_pytest",
        "_testing",
    },  # the modules at the top, for users
}
# The part of the machine that provider code may know.
PUBLIC = {f"wasihost._component.{name}" for name in ("resources", "values")}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def _imports(module: str) -> Iterator[str]:
    """Every module that `module` imports, also inside functions: ours by full name, others as written."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                yield f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in FILES else origin


IMPORTS = {module: set(_imports(module)) for module in FILES}
OURS = {module: found & set(FILES) for module, found in IMPORTS.items()}


def _room(module: str) -> str:
    if module == "_wasihost_pytest_plugin":
        return "_pytest"
    folder = module.split(".")[1] if module.count(".") else ""
    return "_commands" if folder == "__main__" else folder if folder in ROOMS else "public"


def _outside(module: str) -> set[str]:
    return {name.split(".")[0] for name in IMPORTS[module] - OURS[module]}


def test_modules_import_only_from_the_rooms_below() -> None:
    allowed = {room: below | {room} for room, below in ROOMS.items()}
    upwards = [(module, name) for module in FILES for name in OURS[module] if _room(name) not in allowed[_room(module)]]
    assert upwards == []


def test_there_is_no_cycle() -> None:
    assert list(TopologicalSorter(OURS).static_order())


# The rooms of the machine, each of which may import those before it.
MACHINE = (
    *("ffi", "world", "composition", "conversion"),
    *("running.streams", "running.loop", "running.imports", "running.exports"),
)


def _floor(module: str) -> int | None:
    name = module.removeprefix("wasihost._component.")
    return next((floor for floor, room in enumerate(MACHINE) if name == room or name.startswith(f"{room}.")), None)


def test_rooms_of_the_machine_import_only_those_before() -> None:
    floors = [(module, name, _floor(module), _floor(name)) for module in FILES for name in OURS[module]]
    assert [(module, name) for module, name, own, other in floors if own is not None and (other or 0) > own] == []


def test_only_component_and_host_import_wasmtime() -> None:
    users = {_room(module) for module in FILES if "wasmtime" in _outside(module)}
    assert users <= {"_component", "_host"}


def test_providers_know_only_the_public_part_of_the_machine() -> None:
    known = {name for module in FILES if _room(module) in ("_wasi", "_providers") for name in OURS[module]}
    assert {name for name in known if _room(name) == "_component"} <= PUBLIC


def _version(module: str) -> str | None:
    """What a module binds: a version of WASI, or what is common to both; None for the cores."""
    return next((part for part in module.split(".") if part in ("p2", "p3", "common")), None)


def test_cores_of_wasi_know_no_version_and_nothing_of_the_machine() -> None:
    known = {(core, name) for core in FILES if _room(core) == "_wasi" and not _version(core) for name in OURS[core]}
    assert [each for each in sorted(known) if _version(each[1]) or _room(each[1]) == "_component"] == []


def test_bindings_never_import_each_other() -> None:
    known = {(module, name) for module in FILES if _version(module) for name in OURS[module] if _version(name)}
    assert [each for each in sorted(known) if _version(each[1]) not in (_version(each[0]), "common")] == []


def _private_parts_of_wasmtime(module: str) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in found if name.startswith("wasmtime.") and "._" in name}


def test_only_one_module_imports_private_parts_of_wasmtime() -> None:
    private = "wasihost._component.ffi.private"
    assert [module for module in FILES if _private_parts_of_wasmtime(module)] == [private]
    assert all(module.startswith("wasihost._component.ffi") for module in FILES if private in OURS[module])


def test_the_tree_in_contributing_has_every_room() -> None:
    tree = (ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## The tree")[1].split("```")[1]
    rooms = {path.parent for path in (ROOT / "wasihost").rglob("__init__.py") if path.parent.name != "wasihost"}
    packages_of_wasi = {room for room in rooms if room.parent.name in ("p2", "p3")}
    assert [room.name for room in sorted(rooms - packages_of_wasi) if f"{room.name}/" not in tree] == []
