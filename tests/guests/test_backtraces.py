"""Backtraces of guests with debug info: source lines, and how to get them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, TIMEOUT_S
from tests.tools import wasm_tools
from wasihost import GuestTrap, Host
from wasihost._component.reasons import HINT

TRAPS = """(component
  (core module $m
    (func $inner
      unreachable)
    (func (export "f")
      call $inner))
  (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))
"""
SCRIPT = """
import sys, wasihost
try:
    wasihost.Host().call(sys.argv[1], "f")
except wasihost.GuestTrap as trap:
    print(trap)
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guest")
    (folder / "trap.wat").write_text(TRAPS)
    wasm_tools("parse", "--generate-dwarf", "full", folder / "trap.wat", "-o", folder / "trap.wasm")
    return folder / "trap.wasm"


def test_a_guest_with_debug_info_says_how_to_get_source_lines(guest: Path) -> None:
    with pytest.raises(GuestTrap) as caught:
        Host().call(guest, "f")
    reason, heading, first, *_others, last = str(caught.value).splitlines()
    assert "unreachable" in reason
    assert heading == "wasm backtrace:"
    assert first.endswith("m!inner")
    assert last == HINT


def test_source_lines_are_in_the_frames_if_the_environment_asks_for_them(guest: Path) -> None:
    environment = {**os.environ, "WASMTIME_BACKTRACE_DETAILS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(guest)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    inner, outer = done.stdout.splitlines()[2:4]
    assert inner.endswith("trap.wat:4:7")
    assert outer.endswith("trap.wat:6:7")
    assert HINT not in done.stdout
