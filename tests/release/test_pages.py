"""The code of all pages of docs/ runs, and prints the output that they show."""

from __future__ import annotations

import types
import zipfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
import wasmtime

import wasihost.http
from tests.guests.exports import Sleeper
from tests.release.pages import NAMES, NIGHTLY, PREBUILT, ROOT, Reader
from wasihost import Host, Rules
from wasihost._commands.stubs import write

pytestmark = pytest.mark.slow

GUESTS = {
    "guest.wasm": "rust-shown",
    "counters.wasm": "rust-exports",
    "app.wasm": "rust-notes",
    "notes.wasm": "rust-notes",
    "report.wasm": "rust-report",
}


class Database:
    """Of a page's reader."""

    async def fetch(self, key: str) -> bytes:
        return key.encode()


async def _words() -> AsyncIterator[str]:
    yield "word"


async def _nothing(*_: object) -> None:
    """A program, a client, an application."""


def stubs(component: Path) -> types.ModuleType:
    """What `wasihost stubs` writes, imported."""
    module = types.ModuleType(__name__)  # which dataclasses look up
    exec(write(Host().reflect(component), "guest.wasm"), module.__dict__)
    return module


COUNTER = """(component
  (import "my:app/store@1.0.0" (instance (export "count" (func (result u32))) (export "reset" (func)))))"""


class Resetting:
    """What has moved from a page's linker to a provider."""

    def reset(self) -> None: ...


def embedding() -> Mapping[str, Any]:
    """An engine, and a component adapted for it."""
    engine = wasmtime.Engine(wasihost.configure(wasmtime.Config()))
    adapted = wasihost.adapt(engine, bytes(wasmtime.wat2wasm(COUNTER)))
    return {"engine": engine, "adapted": adapted, "count": lambda _store: 1, "MyStore": Resetting}


def of_reader(name: str) -> Mapping[str, Any]:
    """The names that fragments of a page use without an import."""
    match name:
        case "how-to/running.md":
            return {
                "MyStore": Database,
                "fastapi_app": _nothing,
                "guest": stubs(PREBUILT / "rust-shown.wasm"),
                "my_async_iterator": _words(),
                "my_host": Host(providers={"test:exports/host": Sleeper()}),
                "my_words": _words,
                "shapes": stubs(PREBUILT / "rust-exports.wasm"),
                "trio": trio,
                "wasihost": wasihost,
            }
        case "how-to/providers.md":
            return {"AsyncIterator": AsyncIterator, "Host": Host, "my_database": Database()}
        case "how-to/policy.md":
            return {"tenant_rules": Rules()}
        case "how-to/embedding.md":
            return embedding()
        case "how-to/virtual-network.md":
            return {"main": _nothing, "serve": _nothing}
        case "reference/wit.md":
            return {"Host": Host}
    return {}


MY_PACKAGE = """\
from wasihost.testing import VirtualNetwork


def MyNetwork():
    return VirtualNetwork().guest
"""

OTHER_GUESTS = {"how-to/virtual-network.md": "rust-echo-server"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the files of the pages."""
    monkeypatch.chdir(tmp_path)
    Path("guest-fixtures").symlink_to(ROOT / "guest-fixtures")
    Path("guests").symlink_to(PREBUILT)
    Path("examples").symlink_to(ROOT / "examples")
    for name in ("src", "cache", "app", "data", "sales", "out"):
        Path(name).mkdir()
    Path("sales/table.csv").write_text("name,number\nAda,36\n", encoding="utf-8")
    for name, guest in GUESTS.items():
        Path(name).symlink_to(PREBUILT / f"{guest}.wasm")
    with zipfile.ZipFile("data.zip", "w") as archive:
        archive.writestr("x", "")
    Path("my_package.py").write_text(MY_PACKAGE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.nightly if name in NIGHTLY else ()) for name in NAMES]
)
def test_the_code_of_a_page_runs(name: str, folder: Path) -> None:
    if name in OTHER_GUESTS:
        Path("guest.wasm").unlink()
        Path("guest.wasm").symlink_to(PREBUILT / f"{OTHER_GUESTS[name]}.wasm")
    Reader(name, folder, of_reader(name)).read()
