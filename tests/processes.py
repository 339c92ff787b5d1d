"""Scripts that are run in a process of their own, and must end quietly."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]


def printed(script: str, *, faulthandler: bool = True) -> str:
    """What a script prints; warnings are errors. AssertionError: it complained, or did not end well."""
    options = ["-W", "error", *(["-X", "faulthandler"] if faulthandler else [])]
    command = [sys.executable, *options, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout
