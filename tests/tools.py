"""The programs that tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

SCRIPTS = Path(sysconfig.get_path("scripts"))  # of this environment, whether or not it is on PATH


def wasm_tools(*arguments: str | os.PathLike[str]) -> str:
    """What `wasm-tools` prints; raises when it fails."""
    command = [SCRIPTS / "wasm-tools", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def needs(program: str) -> pytest.MarkDecorator:
    """Skips tests where a program of the system is missing."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed: make tools")
