"""`wasi:http/incoming-handler`, as a guest exports it: a `Handler` that calls the guest."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final, Protocol

from wasihost._http import messages
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.http.messages import Request
from wasihost._wasi.p2.http.messages import IncomingRequest, OutgoingResponse, ResponseOutparam

HANDLE: Final = "wasi:http/incoming-handler@0.2.0#handle"
DIED: Final = "the guest ended"


class Callee(Protocol):
    """An instance of the guest."""

    def begin_call(self, name: str, *args: Any) -> asyncio.Future[Any]:
        """Calls an export; the guest goes on if the future is cancelled."""


class GuestHandler:
    """Answers requests by one instance of a guest, one after the other: a `Handler`.

    The guest may go on after it has set its response, as it does to write the body. A guest that dies before it sets
    one is an `internal-error`, whose cause is that of its death; one that dies later breaks the body off.
    """

    cancels_tasks = False
    """WASI 0.2 has no tasks that could be cancelled."""

    def __init__(self, instance: Callee, rules: FieldRules, _cancels_tasks: bool = False) -> None:
        self._instance = instance
        self._rules = rules
        self._calls: set[asyncio.Future[None]] = set()

    async def __call__(self, request: messages.Request) -> messages.Response:
        """The guest's response. Errors: HttpError."""
        outparam = ResponseOutparam()
        given = IncomingRequest(Request.received(self._rules, request))
        try:
            call = self._instance.begin_call(HANDLE, given, outparam)
        except Exception as error:
            given.drop()
            raise HttpError(ErrorCode.INTERNAL_ERROR, DIED) from error
        self._calls.add(call)
        call.add_done_callback(partial(self._returned, given, outparam))
        try:
            response = await outparam.response
        except BaseException:
            call.cancel()
            given.drop()  # it may not have had it, and if the client has gone it has no use for it
            outparam.give_up()
            raise
        return response.core.sent(request.method)

    @property
    def is_busy(self) -> bool:
        """Whether a call has not returned."""
        return not all(call.done() for call in self._calls)

    async def end(self, *, cancel: bool) -> None:
        """Returns when the guest has returned from all calls; `cancel` gives them up."""
        for call in self._calls if cancel else ():
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls)

    def _returned(self, request: IncomingRequest, outparam: ResponseOutparam, call: asyncio.Future[None]) -> None:
        self._calls.discard(call)
        if call.cancelled():
            return
        error = call.exception()
        if error is None:
            outparam.returned()
        else:
            request.drop()
            _died(outparam.response, error)


def _died(response: asyncio.Future[OutgoingResponse], cause: BaseException) -> None:
    error = HttpError(ErrorCode.INTERNAL_ERROR, DIED)
    error.__cause__ = cause
    if not response.done():
        response.set_exception(error)
    elif not response.cancelled() and response.exception() is None:
        response.result().break_off(error)
