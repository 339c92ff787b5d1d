"""The requests and responses of `wasi:http/types`, on the core."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from wasihost._component.values import Err, Ok, WitError
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Body
from wasihost._http.messages import Response as HttpResponse
from wasihost._wasi.common.http import (
    AnyMethod,
    AnyScheme,
    from_error,
    from_method,
    from_scheme,
    to_error,
    to_method,
    to_scheme,
)
from wasihost._wasi.common.http_fields import HasRules
from wasihost._wasi.http import messages
from wasihost._wasi.http.bodies import GoneBody, Length
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.http.messages import content_length
from wasihost._wasi.http.writing import WrittenBody
from wasihost._wasi.p2.http.bodies import IncomingBody, OnceReceived, OutgoingBody
from wasihost._wasi.p2.http.fields import Fields
from wasihost._wasi.p2.io.poll import Pollable


class IncomingRequest:
    """WIT: `resource incoming-request`."""

    __slots__ = ("_body", "_core", "_is_consumed")

    def __init__(self, core: messages.Request) -> None:
        self._core = core
        self._body: Body | None = core.body
        self._is_consumed = False

    def method(self) -> AnyMethod:
        """WIT: `method: func() -> method`."""
        return from_method(self._core.method)

    def path_with_query(self) -> str | None:
        """WIT: `path-with-query: func() -> option<string>`."""
        return self._core.path

    def scheme(self) -> AnyScheme | None:
        """WIT: `scheme: func() -> option<scheme>`."""
        return from_scheme(self._core.scheme)

    def authority(self) -> str | None:
        """WIT: `authority: func() -> option<string>`."""
        return self._core.authority

    def headers(self) -> Fields:
        """WIT: `headers: func() -> headers`; immutable."""
        return Fields.of(self._core.headers)

    def consume(self) -> IncomingBody:
        """WIT: `consume: func() -> result<incoming-body>`; once.

        It is a `GoneBody` if the request was dropped under the guest's hands.
        """
        if self._is_consumed:
            raise WitError()
        self._is_consumed = True
        body = self._body or GoneBody()
        self._body = None
        return IncomingBody(body)

    def drop(self) -> None:
        """The body is closed, unless it was consumed."""
        if self._body is not None:
            self._body.close()
            self._body = None


class OutgoingRequest:
    """WIT: `resource outgoing-request`. A setter fails, and changes nothing, for a value that breaks its grammar."""

    __slots__ = ("_body", "_has_body", "core")

    def __init__(self, provider: HasRules, headers: Fields) -> None:
        """WIT: `constructor(headers: headers)`."""
        self._body = _written(provider, headers, ErrorCode.HTTP_REQUEST_BODY_SIZE)
        self._has_body = False
        self.core = messages.Request(headers.core.freeze(), self._body)

    def body(self) -> OutgoingBody:
        """WIT: `body: func() -> result<outgoing-body>`; once."""
        if self._has_body:
            raise WitError()
        self._has_body = True
        return OutgoingBody(self._body)

    def method(self) -> AnyMethod:
        """WIT: `method: func() -> method`; GET by default."""
        return from_method(self.core.method)

    def set_method(self, method: AnyMethod) -> None:
        """WIT: `set-method: func(method: method) -> result`."""
        _require(self.core.set_method(to_method(method)))

    def path_with_query(self) -> str | None:
        """WIT: `path-with-query: func() -> option<string>`."""
        return self.core.path

    def set_path_with_query(self, path_with_query: str | None) -> None:
        """WIT: `set-path-with-query: func(path-with-query: option<string>) -> result`; an empty one is `/`."""
        _require(self.core.set_path(path_with_query))

    def scheme(self) -> AnyScheme | None:
        """WIT: `scheme: func() -> option<scheme>`."""
        return from_scheme(self.core.scheme)

    def set_scheme(self, scheme: AnyScheme | None) -> None:
        """WIT: `set-scheme: func(scheme: option<scheme>) -> result`."""
        _require(self.core.set_scheme(to_scheme(scheme)))

    def authority(self) -> str | None:
        """WIT: `authority: func() -> option<string>`."""
        return self.core.authority

    def set_authority(self, authority: str | None) -> None:
        """WIT: `set-authority: func(authority: option<string>) -> result`."""
        _require(self.core.set_authority(authority))

    def headers(self) -> Fields:
        """WIT: `headers: func() -> headers`; immutable."""
        return Fields.of(self.core.headers)

    def drop(self) -> None:
        """Later writes to its body go nowhere."""
        self._body.close()

    # ---- below the WIT

    def finish(self) -> None:
        """It is sent: if the guest asked for no body, there is none."""
        if not self._has_body:
            self._body.finish_empty()


class IncomingResponse:
    """WIT: `resource incoming-response`."""

    __slots__ = ("_body", "_core")

    def __init__(self, core: messages.Response) -> None:
        self._core = core
        self._body: Body | None = core.body

    def status(self) -> int:
        """WIT: `status: func() -> status-code`."""
        return self._core.status

    def headers(self) -> Fields:
        """WIT: `headers: func() -> headers`; immutable."""
        return Fields.of(self._core.headers)

    def consume(self) -> IncomingBody:
        """WIT: `consume: func() -> result<incoming-body>`; once."""
        if self._body is None:
            raise WitError()
        body = self._body
        self._body = None
        return IncomingBody(body)

    def drop(self) -> None:
        """The body is closed, unless it was consumed."""
        if self._body is not None:
            self._body.close()
            self._body = None


class OutgoingResponse:
    """WIT: `resource outgoing-response`."""

    __slots__ = ("_body", "_has_body", "core")

    def __init__(self, provider: HasRules, headers: Fields) -> None:
        """WIT: `constructor(headers: headers)`."""
        self._body = _written(provider, headers, ErrorCode.HTTP_RESPONSE_BODY_SIZE)
        self._has_body = False
        self.core = messages.Response(headers.core.freeze(), self._body)

    def status_code(self) -> int:
        """WIT: `status-code: func() -> status-code`; 200 by default."""
        return self.core.status

    def set_status_code(self, status_code: int) -> None:
        """WIT: `set-status-code: func(status-code: status-code) -> result`; 100 to 599."""
        _require(self.core.set_status(status_code))

    def headers(self) -> Fields:
        """WIT: `headers: func() -> headers`; immutable."""
        return Fields.of(self.core.headers)

    def body(self) -> OutgoingBody:
        """WIT: `body: func() -> result<outgoing-body>`; once."""
        if self._has_body:
            raise WitError()
        self._has_body = True
        return OutgoingBody(self._body)

    def drop(self) -> None:
        """Later writes to its body go nowhere."""
        self._body.close()

    # ---- below the WIT

    def finish(self) -> None:
        """It is sent: if the guest asked for no body, there is none."""
        if not self._has_body:
            self._body.finish_empty()

    def leave(self) -> None:
        """The guest has returned."""
        self._body.leave()

    def break_off(self, error: HttpError) -> None:
        """The guest has ended."""
        self._body.fail(error)


class ResponseOutparam:
    """WIT: `resource response-outparam`; `response` is the one that the guest sets."""

    __slots__ = ("response",)

    def __init__(self) -> None:
        self.response: asyncio.Future[OutgoingResponse] = asyncio.get_running_loop().create_future()

    def send_informational(self, status: int, headers: Fields) -> None:
        """WIT: `send-informational: func(status: u16, headers: headers) -> result<_, error-code>`.

        - `internal-error`: always; there are no informational responses here.
        """
        raise WitError(from_error(HttpError(ErrorCode.INTERNAL_ERROR, "there are no informational responses here")))

    @classmethod
    def set(cls, provider: object, param: ResponseOutparam, response: Ok | Err) -> None:
        """WIT: `set: static func(param: response-outparam, response: result<outgoing-response, error-code>)`."""
        if param.response.done():  # the caller has gone
            if isinstance(response, Ok):
                response.value.drop()
        elif isinstance(response, Err):
            param.response.set_exception(to_error(response.value))
        else:
            response.value.finish()
            param.response.set_result(response.value)

    def drop(self) -> None:
        """There is no response."""
        if not self.response.done():
            self.response.set_exception(HttpError(ErrorCode.INTERNAL_ERROR, "the guest set no response"))

    # ---- below the WIT

    def give_up(self) -> None:
        """The caller has gone: the guest's response, set or to be set, goes nowhere."""
        if not self.response.done():
            self.response.cancel()
        elif not self.response.cancelled() and self.response.exception() is None:
            self.response.result().drop()

    def returned(self) -> None:
        """The guest has returned, and adds nothing to the response."""
        self.drop()
        if not self.response.cancelled() and self.response.exception() is None:
            self.response.result().leave()


class FutureIncomingResponse(OnceReceived):
    """WIT: `resource future-incoming-response`."""

    def __init__(self, response: Awaitable[HttpResponse], rules: FieldRules) -> None:
        self._rules = rules
        super().__init__(self._receive(response))

    def subscribe(self) -> Pollable:
        """WIT: `subscribe: func() -> pollable`; ready when the head of the response has been received, or cannot be."""
        return Pollable(self)

    def get(self) -> Ok | Err | None:
        """WIT: `get: func() -> option<result<result<incoming-response, error-code>>>`; the inner result once."""
        return self._take()

    def drop(self) -> None:
        """Gives the exchange up, unless the guest has the response."""
        self._leave()
        if not self._received.done():
            self._received.cancel()
        elif not self._was_given and isinstance(received := self._received.result(), Ok):
            received.value.drop()

    # ---- below the WIT

    async def _receive(self, response: Awaitable[HttpResponse]) -> Ok | Err:
        try:
            return Ok(IncomingResponse(messages.Response.received(self._rules, await response)))
        except HttpError as error:
            return Err(from_error(error))


def _require(is_valid: bool) -> None:
    if not is_valid:
        raise WitError()


def _written(provider: HasRules, headers: Fields, code: ErrorCode) -> WrittenBody:
    return WrittenBody(Length(content_length(headers.core), code), provider.rules.room)
