"""`wasi:http/handler`, as a guest exports it: a `Handler` that calls the guest."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from wasihost._base.eager import begin
from wasihost._component.values import WitError
from wasihost._http import messages
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._wasi.common.http import to_error
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.http.messages import Request
from wasihost._wasi.p3.http import messages as resources

HANDLE: Final = "wasi:http/handler@0.3.0#handle"


class Callee(Protocol):
    """An instance of the guest."""

    def call(self, name: str, *args: Any) -> Coroutine[Any, Any, Any]:
        """Calls an export; the guest's task is cancelled if the coroutine is."""

    def begin_call(self, name: str, *args: Any) -> asyncio.Future[Any]:
        """Calls an export; the guest's task goes on if the future is cancelled."""


class GuestHandler:
    """Answers requests by one instance of a guest, many at a time: a `Handler`.

    A guest that dies before the head is an `internal-error`, whose cause is that of its death; one that dies later
    breaks the body of its response off.

    A cancelled call leaves the guest's task to itself: its reads of the request break off, and its response is
    dropped. With `cancels_tasks` the task is cancelled. That can take the requests of the others with it: Rust guests
    panic then, unless wit-bindgen (0.63) has the feature `inter-task-wakeup`, which it has not in the crate wasip3.
    """

    def __init__(self, instance: Callee, rules: FieldRules, cancels_tasks: bool = False) -> None:
        self.cancels_tasks = cancels_tasks
        self._instance = instance
        self._rules = rules

    async def __call__(self, request: messages.Request) -> messages.Response:
        """The guest's response. Errors: HttpError."""
        given = resources.Request(Request.received(self._rules, request))
        try:
            call = self._begin(given)
            response = await call
        except WitError as error:
            raise to_error(error.value) from None
        except asyncio.CancelledError:
            given.drop()
            _drop(call)
            raise
        except Exception as error:
            given.drop()  # the guest may never have had it
            raise HttpError(ErrorCode.INTERNAL_ERROR, "the guest ended before its response") from error
        assert isinstance(response, resources.Response)
        return response.core.sent(request.method)

    def _begin(self, given: resources.Request) -> asyncio.Future[Any]:
        if self.cancels_tasks:
            return begin(self._instance.call(HANDLE, given))
        return self._instance.begin_call(HANDLE, given)

    is_busy = False

    async def end(self, *, cancel: bool) -> None:
        """Nothing is left of a call that has its response; the guest may go on, as any that has returned."""


def _drop(call: asyncio.Future[Any]) -> None:
    """Drops the response of a call that has it already."""
    if not call.cancelled() and call.exception() is None:
        call.result().drop()
