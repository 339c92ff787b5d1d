"""Where components come from: files, as binary or text, and bytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

import wasmtime

from wasihost._base import files
from wasihost._base.errors import ComponentError
from wasihost._base.limits import Limits
from wasihost._component.adapt import Component

ComponentSource: TypeAlias = "str | os.PathLike[str] | bytes | Component"
"""A component: a path to its file, or to its text in a .wat file, its bytes, or what `Host.load` made of it."""


def read(path: Path, limits: Limits) -> bytes:
    """The bytes of the component in a file. Errors: ComponentError, LimitError, OSError."""
    with open(path, "rb", opener=files.regular) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limits.component_bytes:
            raise limits.reached("component_bytes", f"{path} has {size} bytes")
        content = file.read(size)
    return _from_text(path, content) if path.suffix == ".wat" else content


def _from_text(path: Path, text: bytes) -> bytes:
    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError as error:
        raise ComponentError(f"{path} is not the text of a component: {error}") from None
