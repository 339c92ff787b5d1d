"""`wasi:http/handler`, as a guest exports it: a `Handler` that calls the guest."""

from __future__ import annotations

from typing import Any, Final, Protocol

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

    async def call(self, name: str, *args: Any) -> Any:
        """Calls an export."""


class GuestHandler:
    """Answers requests by one instance of a guest, many at a time: a `Handler`.

    A guest that dies before the head is an `internal-error`, whose cause is what it died of; one that dies later breaks
    the body of its response off. A cancelled call cancels the guest's task.
    """

    def __init__(self, instance: Callee, rules: FieldRules) -> None:
        self._instance = instance
        self._rules = rules

    async def __call__(self, request: messages.Request) -> messages.Response:
        """The guest's response. Errors: HttpError."""
        given = resources.Request(Request.received(self._rules, request))
        try:
            response = await self._instance.call(HANDLE, given)
        except WitError as error:
            raise to_error(error.value) from None
        except BaseException as error:
            given.drop()  # it may not have had it, and if the client has gone it has no use for it
            if not isinstance(error, Exception):
                raise
            raise HttpError(ErrorCode.INTERNAL_ERROR, "the guest ended before its response") from error
        assert isinstance(response, resources.Response)
        return response.core.sent(request.method)

    async def end(self, *, cancel: bool) -> None:
        """Nothing is left of a call that has its response; the guest may go on, as any that has returned."""
