"""A project with tests of its own, and pytest run there in a process of its own."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

PREBUILT = Path(__file__).parents[2] / "guest-fixtures/prebuilt"
OTHERS = ("asyncio", "anyio", "hypothesispytest", "xdist", "xdist.looponfail")
ALONE = tuple(f"-pno:{name}" for name in OTHERS)
"""With no plugin that runs async tests, nor any other, which together take four fifths of the start of a pytest."""

PRELUDE = """
import asyncio
import pytest
from wasihost import *
from wasihost._recording import events
from wasihost._network.faults import *
from wasihost._testing import virtual_loop

async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()

kept = []

def keep(reader, writer):
    kept.append(writer)  # which else closes when it is collected, since Python 3.13

def client(wasi_guest, address, bytes=1000, **options):
    return wasi_guest("guest/c-echo-client.wasm", env={"ADDRESS": address, "BYTES": str(bytes)}, **options)

def server(wasi_guest, address="0.0.0.0:8080", **options):
    return wasi_guest("guest/rust-echo-server.wasm", env={"ADDRESS": address}, **options)
"""
"""What the tests of a project have in common."""


class Project:
    """A folder with `guest/`, and whatever tests it is given."""

    def __init__(self, pytester: pytest.Pytester, cache: Path) -> None:
        self.pytester, self._cache = pytester, cache
        self.path = pytester.path
        (self.path / "guest").symlink_to(PREBUILT)
        self.run_number = 0

    def conftest(self, source: str) -> None:
        """Writes conftest.py."""
        (self.path / "conftest.py").write_text(textwrap.dedent(source), encoding="utf-8")

    def run(self, source: str, *arguments: str, alone: bool = True, prelude: str = PRELUDE) -> pytest.RunResult:
        """Runs these tests, with every warning an error."""
        tests = self.path / "tests"
        tests.mkdir(exist_ok=True)
        (tests / "test_it.py").write_text(prelude + textwrap.dedent(source), encoding="utf-8")
        options = ("-W", "error", "--strict-markers", "--tb=short", "-o", f"cache_dir={self._cache}")
        return self.pytester.runpytest_subprocess(*options, *(ALONE if alone else ()), *arguments)


@pytest.fixture
def project(pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project; all of them share pytest's cache, and so what is compiled."""
    return Project(pytester, tmp_path_factory.getbasetemp() / "plugin-cache")
