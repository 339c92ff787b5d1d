"""A component for a world of WIT text, made by `wasm-tools`: it does nothing, and has the world's types."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from wasihost._base.errors import ComponentError, MissingExtraError

_FORM = "legacy"  # of the names in the core module; the other one knows no async functions


def is_wit(path: str) -> bool:
    """Whether this is a file of WIT text, or a folder with some."""
    return path.endswith(".wit") or Path(path).is_dir()


def component(path: str, world: str | None) -> bytes:
    """The component for a world, which may be left out if there is one. Errors: ComponentError, MissingExtraError."""
    tool = shutil.which("wasm-tools") or shutil.which("wasm-tools", path=str(Path(sys.executable).parent))
    if tool is None:
        raise MissingExtraError("wit", f"{path} is read with wasm-tools")
    chosen = [] if world is None else ["--world", world]
    core = _run(path, [tool, "component", "embed", "--dummy-names", _FORM, *chosen, path])
    return _run(path, [tool, "component", "new"], core)


def _run(path: str, command: list[str], given: bytes = b"") -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().removeprefix("error: ")
        raise ComponentError(*f"{path}: {reason}".splitlines())
    return done.stdout
