"""Resources, streams and futures in plans: a handle as a C value, and the object behind it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from wasihost._base.errors import LimitError, UnsupportedTypeError
from wasihost._base.frozen import Frozen
from wasihost._component import ffi
from wasihost._component.conversion import plancode
from wasihost._component.resources import ResourceError, ResourceTable, drop_or_close
from wasihost._component.world import types
from wasihost._component.world.types import ValType

if TYPE_CHECKING:
    from wasihost._component.conversion.numbers import SharedLists


class CallContext(Protocol):
    """The part of a store that plans use."""

    @property
    def store_context(self) -> int:
        """The address of the store's `wasmtime_context_t`."""

    @property
    def cell(self) -> ffi.Cell:
        """Where functions of Wasmtime leave a pointer."""

    @property
    def table(self) -> ResourceTable:
        """The objects behind the host's resources."""

    @property
    def adapter_lists(self) -> SharedLists:
        """The plain lists in the adapter component's memory."""

    @property
    def driver_lists(self) -> SharedLists:
        """Those in the driver component's."""

    def stream_from_handle(self, kind: types.Stream | types.Future, handle: int) -> object:
        """The Python object for a readable end that the guest gave away."""

    def handle_from_stream(self, kind: types.Stream | types.Future, obj: Any) -> int:
        """The readable end for a provider's object."""

    def guest_resource(self, resource: types.Resource, handle: int, owned: bool) -> object:
        """The Python object for a handle of a resource that the guest defines."""

    def guest_handle(self, resource: types.Resource, obj: Any, own: bool) -> int:
        """The handle behind such an object; `own`: it is the guest's again."""


class Refused(TypeError):
    """An object that cannot be given as a resource, stream or future: its description, and the expected one."""

    def __init__(self, obj: object, found: str, wanted: str = "") -> None:
        super().__init__(f"expected {wanted or 'something else'}, got {found}")
        self.obj = obj
        self.found = found
        self.wanted = wanted

    def __reduce__(self) -> tuple[Any, ...]:
        return TypeError, self.args  # it is the cause of an error of ours, and `obj` may be anything


class HostResource(Frozen):
    """A resource that a provider implements: the number Wasmtime knows it by, and its class."""

    number: int
    cls: type


class Keep(list[bytes]):
    """The blocks that a C value in the making points to, and the resources that it gives away."""

    def __init__(self) -> None:
        self._reps: list[int] = []
        self._pointers: list[int] = []

    def give(self, obj: object, number: int, lent: bool, context: CallContext) -> int:
        """An own handle for an object, as the pointer of a C value."""
        try:
            rep = context.table.push(obj, lent=lent)
        except LimitError:
            if not lent:
                drop_or_close(obj)  # which the table would have done
            raise
        self._reps.append(rep)
        pointer = ffi.resource_own(context.store_context, number, rep, context.cell)
        self._pointers.append(pointer)
        return pointer

    def given(self) -> None:
        """The C value was cloned: the handles are the clone's now."""
        for pointer in self._pointers:
            ffi.resource_delete(pointer)

    def undo(self, context: CallContext) -> None:
        """Takes the handles back from Wasmtime and drops the objects, children first.

        One whose child was not given yet refuses, and stays in the table until the guest's end.
        """
        for pointer in self._pointers:
            ffi.resource_rep(context.store_context, pointer, context.cell)
            ffi.resource_delete(pointer)
        for rep in reversed(self._reps):
            with contextlib.suppress(ResourceError):
                context.table.drop(rep)


_LAYOUTS: Final[dict[type, str]] = {
    types.Variant: plancode.VARIANT,
    types.Option: plancode.POINTER,
    types.Result: plancode.RESULT,
    types.Stream: plancode.U32,
    types.Future: plancode.U32,
}


class Handles:
    """The resources that plans know: those that the host implements, and those that the guest does."""

    def __init__(
        self, resources: Mapping[types.Resource, HostResource], guest_resources: Iterable[types.Resource]
    ) -> None:
        self._resources = dict(resources)
        self._guest_resources = frozenset(guest_resources)

    @property
    def classes(self) -> dict[types.Resource, type]:
        """The class of each resource that the host implements."""
        return {resource: host.cls for resource, host in self._resources.items()}

    def layout(self, t: ValType) -> str:
        """The format of the union of a C value, for `struct`."""
        if isinstance(t, types.Primitive):
            return plancode.NUMBERS.get(t.name, plancode.VECTOR)
        if isinstance(t, types.Own | types.Borrow):
            return plancode.U32 if t.resource in self._guest_resources else plancode.POINTER
        return _LAYOUTS.get(type(t), plancode.VECTOR)

    def is_hosts(self, t: types.Own | types.Borrow) -> bool:
        """Whether a handle is one of a resource that the host implements."""
        return t.resource not in self._guest_resources

    def to_python(self, t: ValType) -> Callable[[int, CallContext], object]:
        """A function from the word of a handle to the object."""
        if isinstance(t, types.Stream | types.Future):
            return lambda handle, context: context.stream_from_handle(t, handle)
        assert isinstance(t, types.Own | types.Borrow)
        owned = isinstance(t, types.Own)
        resource = t.resource
        if resource in self._guest_resources:
            return lambda handle, context: context.guest_resource(resource, handle, owned)
        cls = self._host(resource).cls
        rep = ffi.resource_rep

        def own(pointer: int, context: CallContext) -> object:
            return context.table.delete(rep(context.store_context, pointer, context.cell), cls)

        def borrow(pointer: int, context: CallContext) -> object:
            return context.table.get(rep(context.store_context, pointer, context.cell), cls)

        return own if owned else borrow

    def from_python(self, t: ValType) -> Callable[[Any, list[bytes], CallContext], int]:
        """A function from an object to the word of its handle.

        A borrow of a host resource, which only a call of an export can need, is given as an own handle of a lent
        object: the driver component lends it to the guest and drops it after the call, and its destructor then
        takes it out of the table (`ResourceTable.drop`) without dropping the object.
        """
        if isinstance(t, types.Stream | types.Future):
            return lambda obj, keep, context: context.handle_from_stream(t, obj)
        assert isinstance(t, types.Own | types.Borrow)
        owned = isinstance(t, types.Own)
        resource = t.resource
        if resource in self._guest_resources:
            return lambda obj, keep, context: context.guest_handle(resource, obj, owned)
        host = self._host(resource)

        def give(obj: Any, keep: list[bytes], context: CallContext) -> int:
            assert isinstance(keep, Keep)
            if not isinstance(obj, host.cls):
                raise TypeError
            return keep.give(obj, host.number, not owned, context)

        return give

    def _host(self, resource: types.Resource) -> HostResource:
        if resource not in self._resources:
            raise UnsupportedTypeError(f"the resource {resource.name} belongs to neither a provider nor the guest")
        return self._resources[resource]
