"""Fields: what they keep, what they refuse, and in which order; guests check the rest, in rust-http."""

from __future__ import annotations

import pytest

from wasihost._wasi.http.fields import FieldRules, Fields, FieldsError, Refusal

RULES = FieldRules(max_size=200)


def _refusal(fields: Fields, name: str, value: bytes) -> Refusal:
    with pytest.raises(FieldsError) as caught:
        fields.append(name, value)
    return caught.value.refusal


def test_the_name_is_looked_at_first_then_the_value_then_whether_they_may_change_then_the_size() -> None:
    fields = Fields(RULES).freeze()
    large = b"x" * 200
    assert _refusal(fields, "a b", b"\n") is Refusal.INVALID_SYNTAX
    assert _refusal(fields, "Host", b"\n") is Refusal.FORBIDDEN
    assert _refusal(fields, "a", b"\n") is Refusal.INVALID_SYNTAX
    assert _refusal(fields, "a", large) is Refusal.IMMUTABLE
    assert _refusal(Fields(RULES), "a", large) is Refusal.SIZE_EXCEEDED


def test_the_size_is_each_name_once_and_each_value() -> None:
    fields = Fields(FieldRules(), [("ab", b"123"), ("AB", b""), ("c", b"4")])
    assert fields.size == (2 + 32) + (1 + 32) + (3 + 40) + 40 + (1 + 40)
    fields.delete("ab")
    assert fields.size == (1 + 32) + (1 + 40)


def test_a_set_that_is_refused_leaves_everything_as_it_was() -> None:
    fields = Fields(RULES, [("a", b"1")])
    for values in ([b"2", b"\r"], [b"x" * 200]):
        with pytest.raises(FieldsError):
            fields.set("a", values)
    assert (fields.entries, fields.size) == ([("a", b"1")], 1 + 32 + 1 + 40)


def test_received_fields_may_be_large_but_have_no_forbidden_names() -> None:
    fields = Fields.received(RULES, [("Connection", b"x"), ("A", b"y" * 500)])
    assert (fields.entries, fields.is_mutable) == ([("A", b"y" * 500)], False)
    assert fields.clone().is_mutable


def test_which_names_are_forbidden_is_a_setting() -> None:
    fields = Fields(FieldRules(forbidden=frozenset({"x-secret"})), [("Host", b"a")])
    assert _refusal(fields, "X-Secret", b"") is Refusal.FORBIDDEN


def test_all_the_fields_of_a_guest_share_one_room() -> None:
    rules = FieldRules()
    before = rules.room.left
    fields = Fields(rules, [("a", b"x" * 100)])
    copies = [fields.clone() for _ in range(3)]
    fields.set("a", [b"y"])
    copies[0].delete("a")
    assert before - rules.room.left == fields.size + 2 * copies[1].size
    rules.room.left = 50
    assert _refusal(fields, "b", b"") is Refusal.SIZE_EXCEEDED
    with pytest.raises(FieldsError):
        copies[1].clone()


def test_fields_that_are_dropped_leave_their_room() -> None:
    rules = FieldRules()
    before = rules.room.left
    Fields(rules, [("a", b"1"), ("b", b"2")]).clone()
    with pytest.raises(FieldsError):
        Fields(rules, [("a", b"1"), ("b b", b"2")])
    assert rules.room.left == before
