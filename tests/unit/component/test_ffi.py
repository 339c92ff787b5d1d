"""Which wheels of Wasmtime are refused, and in which words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from wasihost._component.ffi import private

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.mark.parametrize("version", ["49.0.0", "51.0.0"])
def test_another_major_version_of_wasmtime_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    (needed,) = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    monkeypatch.setattr(private, "VERSION", version)
    with pytest.raises(ImportError, match=f"^wasihost needs {needed} but found wasmtime {version}$"):
        private.check()


@pytest.mark.parametrize("owner", private.NAMES, ids=private.path)
def test_a_private_name_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, owner: Any) -> None:
    monkeypatch.setitem(private.NAMES, owner, ("time_travel",))
    with pytest.raises(ImportError, match=rf"it lacks {re.escape(private.path(owner))}\.time_travel$"):
        private.check()


def _used(owner: str) -> set[str]:
    """The names of a private module that the modules of the package use."""
    sources = [path.read_text() for path in Path(private.__file__).parent.glob("*.py") if path.name != "private.py"]
    found = set(re.findall(rf"\b{owner}\.(\w+)", "".join(sources)))
    return found | set(re.findall(r'"(wasmtime_\w+)"', "".join(sources))) if owner == "raw" else found


def test_the_names_that_are_checked_are_those_that_are_used() -> None:
    assert {*private.NAMES[private.raw]} == _used("raw") | {f"WASMTIME_COMPONENT_{kind}" for kind in private.KINDS}
    assert {*private.NAMES[private.enter]} == _used("enter")
    assert {*private.NAMES[private.reflected]} == _used("reflected")


@pytest.mark.parametrize("version", ["50.0.1", "50.0.9", "50.1.0"])
def test_wheels_of_the_same_major_version_are_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(private, "VERSION", version)
    private.check()
