"""What a guest may set in a request; rust-http asks for the rest."""

from __future__ import annotations

from wasihost._wasi.http.syntax import is_authority, is_method, is_path


def test_what_a_guest_sets_is_kept_so_none_of_it_may_be_long() -> None:
    assert [is_method("M" * 1024), is_method("M" * 1025)] == [True, False]
    assert [is_authority("a" * 1024), is_authority("a" * 1025)] == [True, False]
    assert [is_path("/" * 65_534), is_path("/" * 65_535)] == [True, False]
