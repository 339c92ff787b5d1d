"""Plans: from C values to Python objects and back, compiled once per type.

The fixed parts of a type (the fields of a record, the elements of a tuple) have a fixed layout as C values too, so a
plan is a generated Python function that reads or makes each such block with one precompiled `struct.Struct`; the
varying parts (elements, cases, payloads) has a function of its own. `topython` and `frompython` generate them.

Plans have no state: one `Plans` serves any number of stores and threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Protocol, TypeAlias

from wasihost._base.errors import ProviderError, WasihostError
from wasihost._component import ffi
from wasihost._component.conversion.frommemory import FromMemoryCode
from wasihost._component.conversion.frompython import FromPythonCode, Pack
from wasihost._component.conversion.handles import CallContext, Handles, HostResource, Keep, Refused
from wasihost._component.conversion.mismatch import Mismatch
from wasihost._component.conversion.numbers import NoRoom, Placer, Shared, SharedLists
from wasihost._component.conversion.tomemory import ToMemoryCode
from wasihost._component.conversion.topython import ArgumentsToPython, ToPython, ToPythonCode
from wasihost._component.values import Classes
from wasihost._component.world import types
from wasihost._component.world.types import ValType

__all__ = [
    "ArgumentsToPython",
    "CallContext",
    "FromPython",
    "FunctionPlans",
    "HostResource",
    "LatePlans",
    "Plans",
    "ToMemory",
    "ToPython",
]

FromPython: TypeAlias = Callable[[Any, int, CallContext], None]
"""Writes a value as a C value, all Wasmtime's own, at an address. `ProviderError`: the value is not of the type."""
ToMemory: TypeAlias = Callable[[Any, SharedLists], None]
"""Writes a value in the memory form. `ProviderError`: the value is not of the type. `NoRoom`: as it says."""


class FunctionPlans(Protocol):
    """The plans for arguments and results of functions, which is all that registering a function needs."""

    def arguments_to_python(self, ts: Iterable[ValType]) -> ArgumentsToPython:
        """The plan for the arguments of a host function, all at once."""

    def words_to_python(self, ts: Iterable[ValType]) -> ArgumentsToPython:
        """The same for arguments that come as words, see `Adapted.takes_words`."""

    def arguments_from_python(self, t: types.Tuple, names: Sequence[str]) -> FromPython:
        """The plan from a tuple of arguments to a C value; `names` are those of the parameters."""

    def return_from_python(self, t: ValType) -> tuple[FromPython, FromPython | None]:
        """The plans for a function's result: from the value that it returns, and, if it is a `result`, from the value
        of its `WitError`.
        """

    def list_to_memory(self, t: types.List) -> Placer:
        """The plan that places a list without handles in memory; an exception of any kind if it is none. `NoRoom`: as
        it says.
        """


class Plans:
    """Compiles plans for the types of one interface.

    `resources` are those that the host implements. Handles of `guest_resources`, streams and futures travel as u32, and
    hooks of the `CallContext` make objects of them. With `lists`, plain lists travel as pointer and length in the
    memory that it names.
    """

    def __init__(
        self,
        classes: Classes,
        resources: Mapping[types.Resource, HostResource] | None = None,
        guest_resources: Iterable[types.Resource] = (),
        lists: Shared | None = None,
    ) -> None:
        handles = Handles(resources or {}, guest_resources)
        self._to_memory = ToMemoryCode(classes)
        self._to_python = ToPythonCode(classes, handles, lists, FromMemoryCode(classes).reader)
        self._from_python = FromPythonCode(classes, handles, lists, self._to_memory.placer)
        self._writers: dict[ValType, FromPython] = {}
        self._mismatch = Mismatch(classes, handles.classes)

    def to_python(self, t: ValType) -> ToPython:
        """The plan from a C value to a Python object. It frees nothing, and takes an own resource out of the table."""
        return self._to_python.plan(t)

    def arguments_to_python(self, ts: Iterable[ValType]) -> ArgumentsToPython:
        return self._to_python.arguments(tuple(ts))

    def words_to_python(self, ts: Iterable[ValType]) -> ArgumentsToPython:
        return self._to_python.words(tuple(ts))

    def from_python(self, t: ValType) -> FromPython:
        """The plan from a Python object to a C value."""
        if t not in self._writers:
            if isinstance(t, types.Primitive) and t.name != "string":
                self._writers[t] = self._number_writer(t)
            else:
                self._writers[t] = self._writer(self._from_python.pack(t), t, t)
        return self._writers[t]

    def arguments_from_python(self, t: types.Tuple, names: Sequence[str]) -> FromPython:
        return self._writer(self._from_python.pack(t), t, t, names=names)

    def arguments_to_memory(
        self, t: types.Tuple, names: Sequence[str]
    ) -> Callable[[tuple[Any, ...], SharedLists, int], None]:
        """The plan from a tuple of arguments without handles to their memory form at an address."""
        write = self._to_memory.arguments(t)

        def checked_write(values: tuple[Any, ...], lists: SharedLists, address: int) -> None:
            try:
                write(values, lists, address)
            except NoRoom:
                raise
            except Exception as error:
                self.refuse_arguments(t, values, error, names)

        return checked_write

    def refuse_arguments(self, t: types.Tuple, values: Any, error: Exception, names: Sequence[str]) -> NoReturn:
        """Says what is wrong with a tuple of arguments, of which an error says that something is."""
        self._refuse(t, values, error, "", names)

    def return_from_python(self, t: ValType) -> tuple[FromPython, FromPython | None]:
        if not isinstance(t, types.Result):
            return self.from_python(t), None
        ok = self._from_python.result_case(t, True)
        err = self._from_python.result_case(t, False)
        return self._writer(ok, t, t.ok), self._writer(err, t, t.err, "err")

    def return_to_memory(self, t: ValType, address: int, zeros: int) -> Sequence[ToMemory]:
        """The same plans to the memory form, at an address behind so many zeros, for types without handles; there is
        none for an error that has some.
        """
        if not isinstance(t, types.Result):
            return (self._memory_writer(self._to_memory.writer(t, None, address, zeros), t),)
        ok = self._memory_writer(self._to_memory.writer(t, 0, address, zeros), t.ok)
        if types.contains(t.err, (types.Own, types.Borrow)):
            return (ok,)
        return ok, self._memory_writer(self._to_memory.writer(t, 1, address, zeros), t.err, "err")

    def list_to_memory(self, t: types.List) -> Placer:
        return self._to_memory.placer(t)

    def _memory_writer(self, write: ToMemory, checked: ValType | None, where: str = "") -> ToMemory:
        def checked_write(value: Any, lists: SharedLists) -> None:
            try:
                write(value, lists)
            except NoRoom:
                raise
            except Exception as error:
                self._refuse(checked, value, error, where)

        return checked_write

    def _refuse(
        self, t: ValType | None, value: Any, error: Exception, where: str, names: Sequence[str] = ()
    ) -> NoReturn:
        """Describes the mistake in a value that a plan did not take."""
        if not isinstance(error, WasihostError):
            refused = error if isinstance(error, Refused) else None
            if wrong := self._mismatch.message(t, value, where, names, refused):
                raise ProviderError(wrong) from error
        raise error

    def _number_writer(self, t: types.Primitive) -> FromPython:
        write = self._from_python.number(t)

        def checked_write(value: Any, address: int, _context: CallContext) -> None:
            try:
                write(value, address)
            except Exception as error:
                self._refuse(t, value, error, "")

        return checked_write

    def _writer(
        self,
        pack: Pack,
        t: ValType,
        checked: ValType | None,
        where: str = "",
        names: Sequence[str] = (),
    ) -> FromPython:
        clone = ffi.val_clone

        def write(value: Any, address: int, context: CallContext) -> None:
            keep: list[bytes] = []  # a local name, so that the blocks outlive the call of `clone`
            try:
                clone(pack(value, keep, context), address)
            except Exception as error:
                self._refuse(checked, value, error, where, names)

        def give(value: Any, address: int, context: CallContext) -> None:
            keep = Keep()
            try:
                clone(pack(value, keep, context), address)
                keep.given()
            except BaseException as error:
                keep.undo(context)
                if isinstance(error, Exception):
                    self._refuse(checked, value, error, where, names)
                raise

        return give if types.contains(checked, (types.Own, types.Borrow)) else write


class LatePlans:
    """Plans of an exported interface, compiled when the first value comes: most functions are never called.

    They are those that `current` gives for an instance at the moment, since an embedder may give it classes of its own;
    `any_plans` gives some for values that do not depend on classes.
    """

    def __init__(self, current: Callable[[Any], Plans], any_plans: Callable[[], Plans]) -> None:
        self._current = current
        self._any_plans = any_plans

    def arguments_to_python(self, ts: Iterable[ValType]) -> ArgumentsToPython:
        key = tuple(ts)
        return self._read_late(lambda plans: plans.arguments_to_python(key))

    def words_to_python(self, ts: Iterable[ValType]) -> ArgumentsToPython:
        key = tuple(ts)
        return self._read_late(lambda plans: plans.words_to_python(key))

    def _read_late(self, compiled: Callable[[Plans], ArgumentsToPython]) -> ArgumentsToPython:
        last: tuple[Plans, ArgumentsToPython] | None = None  # one object: instances run in several threads

        def read_late(address: int, context: CallContext) -> tuple[Any, ...]:
            nonlocal last
            plans = self._current(context)
            found = last
            if found is None or found[0] is not plans:
                found = last = plans, compiled(plans)
            return found[1](address, context)

        return read_late

    # By the shape of values and not their class.

    def arguments_from_python(self, t: types.Tuple, names: Sequence[str]) -> FromPython:
        return self._any_plans().arguments_from_python(t, names)

    def return_from_python(self, t: ValType) -> tuple[FromPython, FromPython | None]:
        return self._any_plans().return_from_python(t)

    def list_to_memory(self, t: types.List) -> Placer:
        return self._any_plans().list_to_memory(t)
