from __future__ import annotations

import pytest

from wasihost._base.errors import GuestTrap, LimitError
from wasihost._component import resources
from wasihost._component.resources import ResourceError, ResourceTable


class Thing:
    def __init__(self, log: list[str] | None = None, name: str = "") -> None:
        self._log = [] if log is None else log
        self._name = name

    def drop(self) -> None:
        self._log.append(self._name)


class Other:
    pass


def test_a_rep_leads_to_its_object() -> None:
    table = ResourceTable()
    thing, other = Thing(), Other()
    reps = table.push(thing), table.push(other)
    assert (table.get(reps[0], Thing), table.get(reps[1], Other)) == (thing, other)
    assert len(table) == 2


def test_the_wrong_type_is_an_error() -> None:
    table = ResourceTable()
    rep = table.push(Thing())
    with pytest.raises(ResourceError, match=f"resource {rep} is a Thing; expected Other"):
        table.get(rep, Other)
    with pytest.raises(ResourceError):
        table.delete(rep, Other)
    assert len(table) == 1


def test_use_after_drop_is_an_error_and_never_another_object() -> None:
    table = ResourceTable()
    rep = table.push(Thing())
    table.drop(rep)
    assert table.push(Thing()) != rep
    with pytest.raises(ResourceError, match="was dropped or never existed"):
        table.get(rep, Thing)
    with pytest.raises(ResourceError):
        table.drop(rep)


def test_the_embedder_sees_a_trap_of_the_guest() -> None:
    assert issubclass(ResourceError, GuestTrap)


def test_rep_0_never_exists() -> None:
    table = ResourceTable()
    table.push(Thing())
    with pytest.raises(ResourceError):
        table.get(0, object)


def test_reps_start_again_after_the_last_and_skip_those_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "MAX_REP", 3)
    table = ResourceTable()
    first = [table.push(Thing()) for _ in range(3)]
    table.drop(2)
    assert [*first, table.push(Thing())] == [1, 2, 3, 2]


def test_a_full_table_refuses() -> None:
    table = ResourceTable(capacity=1)
    rep = table.push(Thing())
    with pytest.raises(LimitError):
        table.push(Thing())
    table.drop(rep)
    table.push(Thing())


def test_a_parent_cannot_go_before_its_children() -> None:
    table = ResourceTable()
    parent = table.push(Thing())
    children = [table.push(Thing(), parent) for _ in range(2)]
    assert table.children(parent) == children
    with pytest.raises(ResourceError, match="2 children"):
        table.drop(parent)
    for child in children:
        table.drop(child)
    table.drop(parent)
    assert len(table) == 0


def test_a_child_needs_a_parent_that_lives() -> None:
    table = ResourceTable()
    with pytest.raises(ResourceError):
        table.push(Thing(), parent=7)
    assert len(table) == 0


class Needed:
    """Refuses its drop while another one needs it."""

    def __init__(self, dropped: list[Needed], parent: Needed | None = None) -> None:
        self._dropped = dropped
        self._parent = parent
        self._is_needed = False
        if parent is not None:
            parent._is_needed = True

    def drop(self) -> None:
        if self._is_needed:
            raise ResourceError("it still has children")
        if self._parent is not None:
            self._parent._is_needed = False
        self._dropped.append(self)


def test_an_object_that_refuses_its_drop_is_dropped_after_those_that_need_it() -> None:
    table, dropped = ResourceTable(), list[Needed]()
    socket = Needed(dropped)
    stream = Needed(dropped, socket)
    pollable = Needed(dropped, stream)
    reps = [table.push(obj) for obj in (socket, stream, pollable)]
    with pytest.raises(ResourceError, match="children"):
        table.drop(reps[1])
    table.clear()
    assert dropped == [pollable, stream, socket]


def test_delete_gives_the_object_back_undropped() -> None:
    table, log = ResourceTable(), list[str]()
    thing = Thing(log)
    assert table.delete(table.push(thing), Thing) is thing
    assert log == []


def test_drop_calls_drop_but_not_of_lent_objects() -> None:
    table, log = ResourceTable(), list[str]()
    table.drop(table.push(Thing(log, "given")))
    table.drop(table.push(Thing(log, "lent"), lent=True))
    assert log == ["given"]


def test_clear_drops_children_first_and_all_despite_errors() -> None:
    class Broken(Thing):
        def drop(self) -> None:
            raise ValueError("broken")

    table, log = ResourceTable(), list[str]()
    parent = table.push(Thing(log, "parent"))
    table.push(Broken())
    table.push(Other())
    table.push(Thing(log, "lent"), lent=True)
    table.push(Thing(log, "child"), parent)
    with pytest.raises(ExceptionGroup) as caught:
        table.clear()
    assert [str(error) for error in caught.value.exceptions] == ["broken"]
    assert log == ["child", "parent"]
    assert len(table) == 0
