"""Without pyarrow."""

from __future__ import annotations

import sys

import pytest

from wasihost import MissingExtraError, arrow


def test_a_table_needs_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"tables of Arrow are pyarrow's.*wasihost\[arrow\]"):
        arrow.to_bytes({"id": [1]})
