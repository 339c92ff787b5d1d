"""The reason and the backtrace in Wasmtime's errors; the guest chose the names of functions and files in them."""

from __future__ import annotations

import re

import wasmtime

_HEAD = "error while executing at wasm backtrace:"
_CAUSE = "\n\nCaused by:\n"
_LINK = re.compile(r"(?:^|\s*\n)\s*(?:Caused by:\s*)?(?:[0-9]+: )?")
_NOTE = re.compile(
    r"\s*\nnote: using the `WASMTIME_BACKTRACE_DETAILS=1` environment variable may show more debugging information\s*\Z"
)
HINT = "the guest has debug info: frames have source lines if WASMTIME_BACKTRACE_DETAILS=1 is in the environment"
_FRAME = re.compile(r"\n(?= *[0-9]+: )")


def reason(error: wasmtime.WasmtimeError) -> str:
    """Why, on one line, from the outermost context to the root cause."""
    text = str(error)
    if text.startswith(_HEAD):
        text = text.rpartition(_CAUSE)[2]
    return ": ".join(filter(None, _LINK.split(text.strip())))


def backtrace(error: wasmtime.WasmtimeError) -> list[str]:
    """A heading and a line for each frame, the innermost first; nothing if there are no frames.

    At the end it says how to get source lines, if the guest has them.
    """
    text = str(error)
    if not text.startswith(_HEAD):
        return []
    frames_text = text.rpartition(_CAUSE)[0]
    without_note = _NOTE.sub("", frames_text)
    _, *frames = _FRAME.split(without_note)
    hint = [] if without_note == frames_text else [HINT]
    return ["wasm backtrace:", *(re.sub(r"\s*\n\s*", " ", frame) for frame in frames), *hint]
