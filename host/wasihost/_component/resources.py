"""The `ResourceTable`: the Python objects behind the resources that guests hold.

A rep is the host's integer for one resource. Guests never see it: they hold handles, which Wasmtime checks. Reps count
up from 1 and start again only after 2^32 - 1, so a stale rep meets nothing instead of another object.
"""

from __future__ import annotations

import contextvars
from operator import itemgetter
from typing import Any, Final, TypeVar

from wasihost._base.errors import GuestTrap
from wasihost._base.limits import DEFAULTS, Limits

T = TypeVar("T")

MAX_REP: Final = 2**32 - 1


class ResourceError(GuestTrap):
    """A resource was used after its drop, as another type, or dropped before its children; becomes a trap."""


class ResourceTable:
    """Rep -> object, with parents, children and a capacity."""

    def __init__(self, capacity: int = DEFAULTS.resources) -> None:
        self.capacity = capacity
        # In order of push: a child always comes after its parent.
        self._objects: dict[int, Any] = {}
        self._parents: dict[int, int] = {}
        self._children: dict[int, set[int]] = {}
        self._contexts: dict[int, contextvars.Context | None] = {}  # None of a lent object
        self._last = 0

    def __len__(self) -> int:
        return len(self._objects)

    def __repr__(self) -> str:
        return f"<ResourceTable with {len(self)} of {self.capacity} resources>"

    def push(self, obj: object, parent: int | None = None, *, lent: bool = False) -> int:
        """The rep of `obj`, from now on in the table.

        `parent` is the rep of a resource that must outlive this one. A lent object stays its owner's: `drop` and
        `clear` forget it without calling its `drop`, which for others runs in the context (`contextvars`) of `push`.
        """
        if len(self._objects) >= self.capacity:
            raise Limits(resources=self.capacity).reached("resources", "the resource table is full")
        if parent is not None:
            self.get(parent, object)
        rep = self._last % MAX_REP + 1
        while rep in self._objects:
            rep = rep % MAX_REP + 1
        self._last = rep
        self._objects[rep] = obj
        self._contexts[rep] = None if lent else contextvars.copy_context()
        if parent is not None:
            self._parents[rep] = parent
            self._children.setdefault(parent, set()).add(rep)
        return rep

    def get(self, rep: int, cls: type[T]) -> T:
        """The object of a rep."""
        found = self._objects.get(rep)
        if isinstance(found, cls) and found is not None:
            return found
        raise self._wrong(rep, cls)

    def delete(self, rep: int, cls: type[T]) -> T:
        """Takes the object out of the table: its rep means nothing any more."""
        found = self.get(rep, cls)
        self._take_out(rep)
        return found

    def children(self, rep: int) -> list[int]:
        """The reps of the resources pushed with this parent, in ascending order."""
        self.get(rep, object)
        return sorted(self._children.get(rep, ()))

    def drop(self, rep: int) -> None:
        """The destructor of a resource: takes the object out and calls its `drop`, if it has one.

        An object that refuses with a ResourceError, since others need it, stays until `clear` has dropped those.
        """
        obj = self.get(rep, object)
        context = self._take_out(rep)
        try:
            if context is not None:
                context.run(drop, obj)
        except ResourceError:
            self._objects = dict(sorted([(rep, obj), *self._objects.items()], key=itemgetter(0)))
            self._contexts[rep] = context
            raise

    def clear(self) -> None:
        """Drops everything left, children first; errors of single drops come together at the end.

        An object that still has a child, which never reached the guest then, is closed instead, if it can be.
        """
        errors: list[Exception] = []
        while self._objects:
            rep, obj = self._objects.popitem()
            context = self._forget(rep)
            try:
                if context is not None:
                    context.run(drop_or_close, obj)
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup("errors while dropping the resources left", errors)

    def _take_out(self, rep: int) -> contextvars.Context | None:
        if rep in self._children:
            raise ResourceError(f"resource {rep} still has {len(self._children[rep])} children")
        del self._objects[rep]
        return self._forget(rep)

    def _forget(self, rep: int) -> contextvars.Context | None:
        """Takes the rest out, and gives the context of `push`."""
        parent = self._parents.pop(rep, None)
        if parent is not None:
            siblings = self._children[parent]
            siblings.discard(rep)
            if not siblings:
                del self._children[parent]
        return self._contexts.pop(rep)

    def _wrong(self, rep: int, cls: type) -> ResourceError:
        found = self._objects.get(rep)
        if found is None:
            return ResourceError(f"resource {rep} was dropped or never existed; expected {cls.__name__}")
        return ResourceError(f"resource {rep} is a {type(found).__name__}; expected {cls.__name__}")


def drop_or_close(obj: Any) -> None:
    """Drops an object; closes it instead if it still has a child, which never reached the guest then."""
    try:
        drop(obj)
    except ResourceError:
        if not hasattr(obj, "close"):
            raise
        obj.close()


def drop(obj: Any) -> None:
    """Calls the `drop` of an object given as a resource, if it has one."""
    method = getattr(obj, "drop", None)
    if method is not None:
        method()
