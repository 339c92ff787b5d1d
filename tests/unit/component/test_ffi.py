"""Which wheels of Wasmtime are refused, and in which words."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from wasihost._component import ffi

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.mark.parametrize("version", ["49.0.0", "51.0.0"])
def test_another_major_version_of_wasmtime_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    (needed,) = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    monkeypatch.setattr(ffi, "VERSION", version)
    with pytest.raises(ImportError, match=f"^wasihost needs {needed} but found wasmtime {version}$"):
        ffi._check_version()


def test_a_private_name_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffi, "SYMBOLS", (*ffi.SYMBOLS, "wasmtime_time_travel"))
    with pytest.raises(ImportError, match=r"it lacks wasmtime_time_travel$"):
        ffi._check_version()


@pytest.mark.parametrize("version", ["50.0.1", "50.0.9", "50.1.0"])
def test_wheels_of_the_same_major_version_are_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(ffi, "VERSION", version)
    ffi._check_version()
