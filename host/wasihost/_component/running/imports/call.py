"""One call of an import that does not end at once."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

from wasihost._base.errors import ProviderError
from wasihost._component.running.imports.callbacks import no_result_error
from wasihost._component.running.streams.handles import discard
from wasihost._component.values import Err, Ok, WitError
from wasihost._component.world import types
from wasihost._component.world.wiring import Adapted


class HostCall:
    """One call, from `start` to `finish`. `result` is `Ok` or `Err` for a function that returns a result."""

    __slots__ = ("adapted", "cancelled", "context", "fits", "pairs", "result", "task")

    def __init__(self, adapted: Adapted) -> None:
        self.adapted = adapted
        self.context = contextvars.copy_context()  # what the result holds belongs to it too
        self.task: asyncio.Future[Any] | None = None
        self.result: Any = None
        # By kind, since a plan meets the parts of a value in an order of its own.
        self.pairs: dict[int, Iterator[tuple[int, int]]] = {}
        self.cancelled = False
        self.fits = False  # nothing must be made for the result

    def returned(self, get: Callable[[], Any]) -> None:
        """Keeps what `get` gives or the `WitError` it raises."""
        try:
            self.succeeded(get())
        except WitError as error:
            self.failed(error)

    def succeeded(self, value: Any) -> None:
        """Keeps what the provider gave."""
        self.result = Ok(value) if isinstance(self.adapted.func.result, types.Result) else value

    def failed(self, error: WitError) -> None:
        """Keeps what the provider raised."""
        if not isinstance(self.adapted.func.result, types.Result):
            raise no_result_error(self.adapted.path) from error
        self.result = Err(error.value)

    @property
    def outcome(self) -> tuple[Any, bool]:
        """What the provider returned, or the value of its `WitError`; and whether it is that."""
        if isinstance(self.adapted.func.result, types.Result):
            return self.result.value, isinstance(self.result, Err)
        return self.result, False

    def discard(self) -> None:
        """Closes what the result holds, which nothing takes any more."""
        if self.adapted.func.result is not None:
            self.context.run(discard, self.adapted.func.result, self.result)


def provider_result(adapted: Adapted, task: asyncio.Future[Any]) -> Any:
    """What a coroutine gave that the guest did not cancel."""
    try:
        return task.result()
    except asyncio.CancelledError:
        raise ProviderError(f"{adapted.path}: the provider's coroutine was cancelled, but not by us") from None
