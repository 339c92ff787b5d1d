"""Pictures of a recording: for Wireshark, as a page for the browser, and live on the terminal.

`save` chooses by the name of a file: `.pcapng`, `.html`, or anything else for a transcript.
"""

import os
from pathlib import PurePath

from wasihost._recording import Recording
from wasihost._recording.pictures.pcapng import write_pcapng
from wasihost._recording.pictures.report import write_report
from wasihost._recording.pictures.trace import Trace

__all__ = ["PICTURES", "Trace", "is_transcript", "save", "write_pcapng", "write_report"]

_WRITERS = {".pcapng": write_pcapng, ".html": write_report}
PICTURES = tuple(_WRITERS)
"""How the names of pictures end."""


def save(recording: Recording, path: str | os.PathLike[str]) -> None:
    """Writes a recording in the format that the file's name ends with. Errors: MissingExtraError, OSError."""
    write = _WRITERS.get(PurePath(path).suffix.lower(), Recording.save)
    write(recording, path)


def is_transcript(path: str | os.PathLike[str]) -> bool:
    """Whether `save` writes a transcript there, and no picture."""
    return PurePath(path).suffix.lower() not in _WRITERS
