"""Hints at the word that an unknown one was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of an error message, `; did you mean --trace?`, or nothing if no known word is near."""
    import difflib  # only after a mistake

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
