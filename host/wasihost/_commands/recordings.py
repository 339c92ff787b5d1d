"""Where commands put a recording: files of any format, and the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from wasihost._base.errors import WasihostError
from wasihost._recording import Recording, pictures

FORMATS: Final = (".jsonl", *pictures.PICTURES)
"""How the names of recordings end."""


@contextlib.contextmanager
def recording_to(paths: Sequence[str], *, trace: bool) -> Iterator[Recording]:
    """A recording that is in these files at the end, however that comes, and meanwhile on stderr if `trace`.

    The first transcript among them is written as it comes. Errors: MissingExtraError; WasihostError, a file cannot be
    written.
    """
    transcript = next(filter(pictures.is_transcript, paths), None if paths else os.devnull)
    others = [path for path in paths if path is not transcript]
    _save(Recording(), others)  # now and not after a long run it is known that they can be written
    with contextlib.ExitStack() as stack:
        with _writing(transcript or ""):
            recording = stack.enter_context(Recording(to=transcript, keep=bool(others)))
        stack.callback(_save, recording, others)
        if trace and sys.stderr is not None:
            tracing = pictures.Trace(sys.stderr)
            recording.subscribe(tracing)
            stack.callback(tracing.close)
        yield recording


def convert(source: str, paths: Sequence[str]) -> None:
    """Writes a recording into files of other formats. Errors: RecordingError, MissingExtraError, WasihostError."""
    try:
        recording = Recording.load(source)
    except OSError as error:
        raise WasihostError(f"{source} cannot be read: {error.strerror}") from None
    _save(recording, paths)


def _save(recording: Recording, paths: Sequence[str]) -> None:
    for path in paths:
        with _writing(path):
            pictures.save(recording, path)


@contextlib.contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WasihostError(f"{path} cannot be written: {error.strerror}") from None
