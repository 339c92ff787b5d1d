"""What tests run in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 300  # turns a hang into a failure; far more than anything takes, on a busy machine too


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs this Python with these words, to its end."""
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def printed(script: str, *, faulthandler: bool = True) -> str:
    """What a script prints; warnings are errors. AssertionError: it complained, or did not end well."""
    options = ["-W", "error", *(["-X", "faulthandler"] if faulthandler else [])]
    done = run(*options, "-c", textwrap.dedent(script))
    assert (done.returncode, done.stderr) == (0, ""), f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout
