"""What the callbacks of one store share, and how a callback finds it.

Callbacks are made once for all instances of a component. Wasmtime passes the address of the store's context to each
call, and `contexts` has the instance of that store; what it does for the call is in its `functions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from wasihost._base.errors import ProviderError, WasihostError
from wasihost._base.quoting import line
from wasihost._component import ffi
from wasihost._component.conversion.numbers import SharedLists
from wasihost._component.resources import ResourceTable
from wasihost._component.running.contexts import CallerContexts
from wasihost._component.running.loop.suspension import Suspension
from wasihost._component.world import types

Bind: TypeAlias = Callable[[Any], Callable[..., Any]]
"""Makes the function that a callback calls in one instance."""


class StoreContext(CallerContexts):
    """What the callbacks of one store share, the context of the caller too; the `CallContext` of its plans.

    Streams, futures, plain lists and the guest's own resources need a machine: see `StoreMachine`.
    """

    adapter_lists: SharedLists
    driver_lists: SharedLists

    def __init__(self, table: ResourceTable, binds: Mapping[str, Bind], store_context: int) -> None:
        super().__init__()
        self.table = table
        self.functions: dict[str, Callable[..., Any]] = {}
        """By the name of the callback, those that were called."""
        self._binds = binds
        self.store_context = store_context
        self.cell = ffi.Cell()
        self.exception: BaseException | None = None

    def function(self, name: str) -> Callable[..., Any]:
        """What the callback of this name calls, made when it is first called."""
        found = self.functions.get(name)
        if found is None:
            found = self.functions[name] = self._binds[name](self)
        return found

    def keep(self, error: BaseException, path: str) -> int:
        """Keeps what a callback raised, for whoever drives the store; gives the error for Wasmtime."""
        if isinstance(error, ProviderError) and path not in str(error):
            error = _located(error, path)
        elif not isinstance(error, WasihostError):
            error.add_note(line(f"raised by the provider of {path}"))
        if self.exception is None:
            self.exception = error
        return ffi.error_new(f"{path}: {type(error).__name__}: {error}")

    def suspend(self, suspension: Suspension) -> None:
        """A provider of a sync-typed function waits: the store is polled again when it is done."""
        raise NotImplementedError

    def stream_from_handle(self, kind: types.Stream | types.Future, handle: int) -> object:
        raise NotImplementedError

    def handle_from_stream(self, kind: types.Stream | types.Future, obj: Any) -> int:
        raise NotImplementedError

    def guest_resource(self, resource: types.Resource, handle: int, owned: bool) -> object:
        raise NotImplementedError

    def guest_handle(self, resource: types.Resource, obj: Any, own: bool) -> int:
        raise NotImplementedError


contexts: Final[dict[int, StoreContext]] = {}
"""The open instances, by the addresses of their stores' contexts."""


def _located(error: ProviderError, path: str) -> ProviderError:
    located = ProviderError(f"{path}: {error}")
    located.__cause__ = error.__cause__
    return located


class PlainContext(StoreContext):
    """The context of functions in an embedder's own linker, where the embedder calls through wasmtime-py."""

    def keep(self, error: BaseException, path: str) -> int:
        made = super().keep(error, path)
        kept = self.exception
        self.exception = None
        ffi.raise_after_call(kept or error)
        return made


class PlainContexts(dict[int, StoreContext]):
    """Those of an embedder's linker, each made when its store first calls."""

    def __init__(self, table: ResourceTable, binds: Mapping[str, Bind]) -> None:
        self._table = table
        self._binds = binds

    def __missing__(self, store: int) -> StoreContext:
        found = self[store] = PlainContext(self._table, self._binds, store)
        return found
