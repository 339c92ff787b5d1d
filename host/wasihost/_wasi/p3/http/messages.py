"""The resources `request` and `response` of `wasi:http/types`, on the core."""

from __future__ import annotations

import functools
from collections.abc import Awaitable
from typing import TypeAlias

from wasihost._base.streams import ByteSource, GuestFuture, GuestStream
from wasihost._component.values import Err, Ok, WitError
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Body, Header
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
from wasihost._wasi.http import fields, messages
from wasihost._wasi.http.bodies import Consumption, GoneBody, Length, StreamBody
from wasihost._wasi.http.messages import content_length
from wasihost._wasi.p3.http.fields import Fields
from wasihost._wasi.p3.http.options import RequestOptions
from wasihost._wasi.p3.streams import ResultFuture, new_future

TrailersFuture: TypeAlias = "Awaitable[Ok | Err]"
"""WIT: `future<result<option<trailers>, error-code>>`."""


class Request:
    """WIT: `resource request`. A setter fails, and changes nothing, for a value that breaks its grammar."""

    __slots__ = ("_body", "_options", "core")

    def __init__(self, core: messages.Request, options: RequestOptions | None = None) -> None:
        self.core = core
        self._options = options
        self._body: Body | None = core.body

    @classmethod
    def new(
        cls,
        provider: HasRules,
        headers: Fields,
        contents: GuestStream[int] | None,
        trailers: GuestFuture[Ok | Err],
        options: RequestOptions | None,
    ) -> tuple[Request, ResultFuture]:
        """WIT: `new: static func(headers: headers, contents: option<stream<u8>>, trailers: future<result<option<trailers>, error-code>>, options: option<request-options>) -> tuple<request, future<result<_, error-code>>>`.

        The future is ok when the last byte is on its way, or the recipient wants no more.
        - `HTTP-request-body-size`: the content is not as long as `content-length` says.
        - The error-code that the guest itself gives in place of trailers.
        - The error-code of the request.
        """  # noqa: E501
        body, future = _guest_body(headers, contents, trailers, ErrorCode.HTTP_REQUEST_BODY_SIZE)
        if options is not None:
            options.freeze()
        core = messages.Request(headers.core.freeze(), body, None if options is None else options.core())
        return cls(core, options), future

    def get_method(self) -> AnyMethod:
        """WIT: `get-method: func() -> method`; GET by default."""
        return from_method(self.core.method)

    def set_method(self, method: AnyMethod) -> None:
        """WIT: `set-method: func(method: method) -> result`."""
        _require(self.core.set_method(to_method(method)))

    def get_path_with_query(self) -> str | None:
        """WIT: `get-path-with-query: func() -> option<string>`."""
        return self.core.path

    def set_path_with_query(self, path_with_query: str | None) -> None:
        """WIT: `set-path-with-query: func(path-with-query: option<string>) -> result`; an empty one is `/`."""
        _require(self.core.set_path(path_with_query))

    def get_scheme(self) -> AnyScheme | None:
        """WIT: `get-scheme: func() -> option<scheme>`."""
        return from_scheme(self.core.scheme)

    def set_scheme(self, scheme: AnyScheme | None) -> None:
        """WIT: `set-scheme: func(scheme: option<scheme>) -> result`."""
        _require(self.core.set_scheme(to_scheme(scheme)))

    def get_authority(self) -> str | None:
        """WIT: `get-authority: func() -> option<string>`."""
        return self.core.authority

    def set_authority(self, authority: str | None) -> None:
        """WIT: `set-authority: func(authority: option<string>) -> result`."""
        _require(self.core.set_authority(authority))

    def get_options(self) -> RequestOptions | None:
        """WIT: `get-options: func() -> option<request-options>`; immutable."""
        if self._options is None:
            return None
        copy = self._options.clone()
        copy.freeze()
        return copy

    def get_headers(self) -> Fields:
        """WIT: `get-headers: func() -> headers`; immutable."""
        return Fields.of(self.core.headers)

    @classmethod
    def consume_body(
        cls, provider: HasRules, this: Request, res: GuestFuture[Ok | Err]
    ) -> tuple[ByteSource, TrailersFuture]:
        """WIT: `consume-body: static func(this: request, res: future<result<_, error-code>>) -> tuple<stream<u8>, future<result<option<trailers>, error-code>>>`.

        The future resolves when the stream has ended, or to none as soon as the guest drops it before its end.
        """  # noqa: E501
        return _consumed(provider, this.take_body(), res)

    def drop(self) -> None:
        """The body is closed, unless it was consumed or sent."""
        if self._body is not None:
            self.take_body().close()

    # ---- below the WIT

    def take_body(self) -> Body:
        """The body, which its new owner closes; `GoneBody` if the request was dropped under the guest's hands."""
        body = self._body or GoneBody()
        self._body = None
        return body


class Response:
    """WIT: `resource response`."""

    __slots__ = ("_body", "core")

    def __init__(self, core: messages.Response) -> None:
        self.core = core
        self._body: Body | None = core.body

    @classmethod
    def new(
        cls, provider: HasRules, headers: Fields, contents: GuestStream[int] | None, trailers: GuestFuture[Ok | Err]
    ) -> tuple[Response, ResultFuture]:
        """WIT: `new: static func(headers: headers, contents: option<stream<u8>>, trailers: future<result<option<trailers>, error-code>>) -> tuple<response, future<result<_, error-code>>>`.

        The future is ok when the last byte is on its way, or the recipient wants no more.
        - `HTTP-response-body-size`: the content is not as long as `content-length` says.
        - `connection-terminated`: the client went away.
        - The error-code that the guest itself gives in place of trailers.
        """  # noqa: E501
        body, future = _guest_body(headers, contents, trailers, ErrorCode.HTTP_RESPONSE_BODY_SIZE)
        return cls(messages.Response(headers.core.freeze(), body)), future

    def get_status_code(self) -> int:
        """WIT: `get-status-code: func() -> status-code`; 200 by default."""
        return self.core.status

    def set_status_code(self, status_code: int) -> None:
        """WIT: `set-status-code: func(status-code: status-code) -> result`; 100 to 599."""
        _require(self.core.set_status(status_code))

    def get_headers(self) -> Fields:
        """WIT: `get-headers: func() -> headers`; immutable."""
        return Fields.of(self.core.headers)

    @classmethod
    def consume_body(
        cls, provider: HasRules, this: Response, res: GuestFuture[Ok | Err]
    ) -> tuple[ByteSource, TrailersFuture]:
        """WIT: `consume-body: static func(this: response, res: future<result<_, error-code>>) -> tuple<stream<u8>, future<result<option<trailers>, error-code>>>`.

        The future resolves when the stream has ended, or to none as soon as the guest drops it before its end.
        """  # noqa: E501
        return _consumed(provider, this.take_body(), res)

    def drop(self) -> None:
        """The body is closed, unless it was consumed or sent."""
        if self._body is not None:
            self.take_body().close()

    # ---- below the WIT

    def take_body(self) -> Body:
        """The body, which its new owner closes."""
        assert self._body is not None
        body = self._body
        self._body = None
        return body


def _require(is_valid: bool) -> None:
    if not is_valid:
        raise WitError()


def _guest_body(
    headers: Fields, contents: GuestStream[int] | None, trailers: GuestFuture[Ok | Err], code: ErrorCode
) -> tuple[StreamBody[Ok | Err], ResultFuture]:
    future = new_future()

    def settle(error: HttpError | None) -> None:
        if not future.done():
            future.set_result(Ok() if error is None else Err(from_error(error)))

    length = Length(content_length(headers.core), code)
    return StreamBody(contents, trailers, _given_trailers, length, settle), future


def _given_trailers(given: Ok | Err) -> list[Header]:
    """The guest's trailers. Errors: HttpError, if those are an error."""
    if isinstance(given, Err):
        raise to_error(given.value)
    return [] if given.value is None else given.value.core.entries


def _consumed(provider: HasRules, body: Body, res: GuestFuture[Ok | Err]) -> tuple[ByteSource, TrailersFuture]:
    consumption = Consumption(body, res, _verdict, functools.partial(_trailers, provider))
    return consumption.source, consumption.trailers


def _verdict(given: Ok | Err) -> HttpError | None:
    return to_error(given.value) if isinstance(given, Err) else None


def _trailers(provider: HasRules, found: list[Header] | HttpError) -> Ok | Err:
    if isinstance(found, HttpError):
        return Err(from_error(found))
    return Ok(Fields.of(fields.Fields.received(provider.rules, found)) if found else None)
