"""`wasihost compile`, `--compiled`, and `Host.load_compiled`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.guests.harness import PREBUILT, load
from tests.processes import run
from wasihost import ComponentError, Host, Limits
from wasihost._base import version
from wasihost._component import compiled
from wasihost._host import host as module


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "cli.bin"
    Host().save_compiled(load("rust-cli"), found)
    return found


def test_a_compiled_file_runs_as_the_component_does(tmp_path: Path) -> None:
    out = tmp_path / "cat.bin"
    cat = PREBUILT / "rust-cat.wasm"
    made = run("-m", "wasihost", "compile", str(cat), "-o", str(out))
    assert (made.returncode, made.stderr) == (0, "")
    (tmp_path / "text").write_text("through")
    taken = run("-m", "wasihost", "run", "--stdin", str(tmp_path / "text"), "--compiled", str(out))
    assert (taken.returncode, taken.stdout, taken.stderr) == (0, "through", "7 bytes\n")
    without = run("-m", "wasihost", "run", str(out))
    assert "is not WebAssembly" in without.stderr


def test_what_was_compiled_has_the_same_imports_and_exports(file: Path) -> None:
    found = Host().load_compiled(file)
    wanted = load("rust-cli")
    assert (found.imports, found.exports, found.origin) == (wanted.imports, wanted.exports, str(file))


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_may_write_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(ComponentError, match=f"others can write, with mode {mode:o}: chmod go-w"):
        Host().load_compiled(file)


def test_a_file_of_another_user_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = file.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    if owner == 0:  # root's files are taken by all
        os.chown(file, 12345, -1)
        owner = 12345
    with pytest.raises(ComponentError, match=f"native code of user {owner}, and this process runs as user"):
        Host().load_compiled(file)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limits": Limits(fuel=5)}, "with fuel False, and here it is True"),
        ({"gc": False, "wasip2": "native"}, "with wasip2 python, and here it is native and with gc True"),
    ],
)
def test_other_settings_are_refused_and_both_are_named(file: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        Host(**options).load_compiled(file)


def test_another_version_is_refused_and_both_are_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "__version__", "9.9")
    with pytest.raises(
        ComponentError, match=f"with wasihost {version.__version__}, and here it is 9.9: compile it again"
    ):
        Host().load_compiled(file)


@pytest.mark.parametrize("content", [b"", b"\0asm", b"x" * 100, compiled._TRAILER.pack(1 << 40, compiled._MARK)])
def test_anything_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ComponentError, match="is not what `wasihost compile` writes"):
        Host().load_compiled(path)


def test_code_that_is_cut_off_is_refused(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[100:])
    with pytest.raises(ComponentError, match="cannot be used here"):
        Host().load_compiled(file)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        Host().save_compiled(load("rust-cli"), tmp_path)
    assert list(tmp_path.parent.glob(f"{tmp_path.name}.*")) == []
