"""A hint at what a word was meant to be."""

from __future__ import annotations

import pytest

from wasihost._base.nearest import did_you_mean


@pytest.mark.parametrize(
    ("word", "hint"), [("inpsect", "; did you mean inspect?"), ("sevre", "; did you mean serve?"), ("zebra", "")]
)
def test_only_a_near_word_is_a_hint(word: str, hint: str) -> None:
    assert did_you_mean(word, ["inspect", "serve"]) == hint
