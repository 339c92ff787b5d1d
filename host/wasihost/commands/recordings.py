"""Where commands put a recording: files of any format, and the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from wasihost import pictures
from wasihost.errors import WasihostError
from wasihost.network.recording import Recording


@contextlib.contextmanager
def recording_to(paths: Sequence[str], *, trace: bool) -> Iterator[Recording]:
    """A recording that is in these files at the end, however that comes, and meanwhile on stderr if `trace`.

    A lone transcript is written as it comes. Errors: MissingExtraError; WasihostError, a file cannot be written.
    """
    files = paths or [os.devnull]
    is_written_as_it_comes = len(files) == 1 and pictures.is_transcript(files[0])
    if not is_written_as_it_comes:
        _save(Recording(), files)  # now and not after a long run it is known that they can be written
    with contextlib.ExitStack() as stack:
        if is_written_as_it_comes:
            with _writing(files[0]):
                recording = stack.enter_context(Recording(to=files[0]))
        else:
            recording = Recording()
            stack.callback(_save, recording, files)
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
