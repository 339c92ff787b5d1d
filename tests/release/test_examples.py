"""The examples, as a user has them: in a folder of their own, beside an installed wasihost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, TIMEOUT_S

NEEDS_ARROW = "arrow"
"""The folder of the example that needs pyarrow, which `make engines` installs."""


@pytest.mark.slow
def test_mypy_strict_finds_nothing_wrong_in_them(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(NEEDS_ARROW))
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.py")]
    assert len(files) >= 8
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", *files],
        cwd=tmp_path,
        env={**os.environ, "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/examples")},
        text=True,
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
