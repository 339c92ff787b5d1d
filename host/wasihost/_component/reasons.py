"""The reason and the backtrace in Wasmtime's errors; the guest chose the names of functions and files in them."""

from __future__ import annotations

import re

import wasmtime

_HEAD = "error while executing at wasm backtrace:"
_CAUSE = "\n\nCaused by:\n"
_LINK = re.compile(r"(?:^|\s*\n)\s*(?:Caused by:\s*)?(?:[0-9]+: )?")
_FRAME = re.compile(r"\n(?= *[0-9]+: )")


def reason(error: wasmtime.WasmtimeError) -> str:
    """Why, on one line, from the outermost context to the root cause."""
    text = str(error)
    if text.startswith(_HEAD):
        text = text.rpartition(_CAUSE)[2]
    return ": ".join(filter(None, _LINK.split(text.strip())))


def backtrace(error: wasmtime.WasmtimeError) -> list[str]:
    """A heading and a line for each frame, the innermost first; nothing if there are no frames."""
    text = str(error)
    if not text.startswith(_HEAD):
        return []
    _, *frames = _FRAME.split(text.rpartition(_CAUSE)[0])
    return ["wasm backtrace:", *(re.sub(r"\s*\n\s*", " ", frame) for frame in frames)]
