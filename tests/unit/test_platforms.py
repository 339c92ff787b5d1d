"""What an import says where wasihost does not run."""

from __future__ import annotations

from tests.processes import run

ON_WINDOWS = """
import sys
sys.platform = "win32"
sys.modules.update(dict.fromkeys(("fcntl", "resource", "termios", "wasmtime")))  # what it lacks, and what comes later
import wasihost
"""


def test_an_import_on_windows_says_where_it_runs() -> None:
    done = run("-c", ON_WINDOWS)
    assert done.stderr.splitlines()[-1].startswith(
        "ImportError: wasihost needs mmap and mprotect: it runs on Linux and"
    )
