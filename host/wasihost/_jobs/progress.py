"""How far a `map` is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from wasihost._base.errors import MissingExtraError


@contextlib.contextmanager
def reporting(total: int, progress: Callable[[int, int], object] | None, bar: bool) -> Iterator[Callable[[int], None]]:
    """What to call with how many more calls have ended; `total` is 0 if it is not known. Errors: MissingExtraError."""
    done = 0
    with _bar(total) if bar else contextlib.nullcontext() as shown:

        def advanced(more: int) -> None:
            nonlocal done
            done += more
            if shown is not None:
                shown.update(more)
            if progress is not None:
                progress(done, total)

        yield advanced


def _bar(total: int) -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        raise MissingExtraError("jobs", "the bar of a map is tqdm's") from None
    return tqdm(total=total or None, unit=" calls")
