"""The vendored WIT is what was published, and parses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.tools import wasm_tools

WIT = Path(__file__).parents[2] / "wit"
SUMS = {name: digest for digest, name in map(str.split, (WIT / "SHA256SUMS").read_text().splitlines())}


def test_every_vendored_file_has_its_sum() -> None:
    assert {name: hashlib.sha256((WIT / name).read_bytes()).hexdigest() for name in SUMS} == SUMS


def test_no_wit_file_is_without_a_sum() -> None:
    assert {str(path.relative_to(WIT)) for path in WIT.rglob("*.wit")} <= set(SUMS)


@pytest.mark.parametrize("version", ["0.2", "0.3"])
def test_wasm_tools_parses_it(version: str) -> None:
    assert wasm_tools("component", "wit", WIT / version).startswith("package rust:wasi")
