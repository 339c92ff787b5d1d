"""What the callbacks of one store share."""

from __future__ import annotations

from typing import Any

from wasihost._base.errors import ProviderError, WasihostError
from wasihost._base.quoting import line
from wasihost._component import ffi
from wasihost._component.resources import ResourceTable
from wasihost._component.running.contexts import CallerContexts
from wasihost._component.world import types


class StoreContext:
    """What the callbacks of one store share; the `CallContext` of its plans.

    Streams, futures and the guest's own resources need a machine: see `StoreMachine`.
    """

    def __init__(self, table: ResourceTable) -> None:
        self.table = table
        self.store_context = 0
        self.exception: BaseException | None = None
        self.callers = CallerContexts()

    def keep(self, error: BaseException, path: str) -> int:
        """Keeps what a callback raised, for whoever drives the store; gives the error for Wasmtime."""
        if isinstance(error, ProviderError) and path not in str(error):
            error = _located(error, path)
        elif not isinstance(error, WasihostError):
            error.add_note(line(f"raised by the provider of {path}"))
        if self.exception is None:
            self.exception = error
        return ffi.error_new(f"{path}: {type(error).__name__}: {error}")

    def stream_from_handle(self, kind: types.Stream | types.Future, handle: int) -> object:
        raise NotImplementedError

    def handle_from_stream(self, kind: types.Stream | types.Future, obj: Any) -> int:
        raise NotImplementedError

    def guest_resource(self, resource: types.Resource, handle: int, owned: bool) -> object:
        raise NotImplementedError

    def guest_handle(self, resource: types.Resource, obj: Any, own: bool) -> int:
        raise NotImplementedError


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
