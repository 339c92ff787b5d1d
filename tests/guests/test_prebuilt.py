"""The fixtures themselves: as committed, small, all tested, and calling every function of sockets, files and HTTP."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

import pytest

from tests.guests.harness import PREBUILT
from wasihost._component.running.engine import default_engine
from wasihost._component.world.reflect import reflect
from wit.surface import surface

NAMES = sorted(path.stem for path in PREBUILT.glob("*.wasm"))
MAX_SIZE = 350_000
VENDORED = Path(__file__).parents[2] / "wit/0.3"


@functools.cache
def imported(name: str, package: str = "wasi:sockets") -> set[str]:
    """The functions of a package, of any version, that a fixture imports."""
    world = reflect(default_engine(), (PREBUILT / f"{name}.wasm").read_bytes())
    return {
        func
        for interface, items in world.imports.items()
        if interface.startswith(f"{package}/")
        for func in items.funcs
    }


def functions(resource: str) -> list[str]:
    """The functions of a resource, as the vendored WIT declares them."""
    texts = [path.read_text(encoding="utf-8") for path in VENDORED.rglob("*.wit")]
    pattern = rf"^ +resource {resource} \{{(.*?)^ +\}}"
    (body,) = {match[1] for text in texts if (match := re.search(pattern, text, re.M | re.S))}
    found = re.findall(r"^ +([a-z-]+): (static )?(?:async )?func\(", body, re.M)
    return [f"[{'static' if static else 'method'}]{resource}.{name}" for name, static in found]


TCP_FUNCTIONS, UDP_FUNCTIONS = functions("tcp-socket"), functions("udp-socket")


def test_the_sums_are_right() -> None:
    lines = (PREBUILT / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    files = sorted(PREBUILT.glob("*.wasm"), key=lambda path: path.name)
    assert lines == [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files]


def test_fixtures_are_small() -> None:
    sizes = {name: (PREBUILT / f"{name}.wasm").stat().st_size for name in NAMES}
    assert {name: size for name, size in sizes.items() if size >= MAX_SIZE} == {}


def test_every_fixture_has_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("*.py"))
    assert [name for name in NAMES if f'"{name}"' not in tests] == []


def test_the_functions_of_the_resources_are_found() -> None:
    assert (len(TCP_FUNCTIONS), len(UDP_FUNCTIONS)) == (25, 15)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["rust", "c"])
def test_fixtures_of_each_language_import_every_function(language: str) -> None:
    found = set().union(*(imported(name) for name in NAMES if name.startswith(f"{language}-")))
    assert {*TCP_FUNCTIONS, *UDP_FUNCTIONS} - found == set()


@pytest.mark.parametrize(("name", "version"), [("rust-files", "0.3"), ("rust-p2-files", "0.2")])
def test_fixtures_of_files_import_every_function(name: str, version: str) -> None:
    interfaces = [each for each in surface(version) if each.name.startswith("wasi:filesystem/")]
    wanted = {function.name for interface in interfaces for function in interface.functions}
    assert len(wanted) == {"0.3": 26, "0.2": 30}[version]
    assert wanted - imported(name, "wasi:filesystem") == set()


@pytest.mark.parametrize(
    ("name", "version", "missing"),
    [
        ("rust-http", "0.3", {"handle"}),  # which is exported
        ("c-http", "0.3", {"handle"}),
        ("rust-p2-http", "0.2", {"[method]response-outparam.send-informational"}),  # unstable: not in the crate wasip2
        ("c-p2-http", "0.2", set[str]()),
    ],
)
def test_fixtures_of_http_import_every_function(name: str, version: str, missing: set[str]) -> None:
    interfaces = [each for each in surface(version) if each.name.startswith("wasi:http/")]
    wanted = {function.name for interface in interfaces for function in interface.functions}
    assert len(wanted) == {"0.3": 37, "0.2": 53}[version]
    assert wanted - imported(name, "wasi:http") == missing


@pytest.mark.slow
@pytest.mark.parametrize("resource", ["tcp-socket", "udp-socket"])
def test_fixtures_that_create_sockets_drop_them(resource: str) -> None:
    """`resource.drop` is no function of an interface: a core module imports it by this name."""
    creators = [name for name in NAMES if f"[static]{resource}.create" in imported(name)]
    assert creators
    drop = f"[resource-drop]{resource}".encode()
    assert [name for name in creators if drop not in (PREBUILT / f"{name}.wasm").read_bytes()] == []
