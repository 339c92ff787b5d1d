"""`wasi:http/types`."""

from __future__ import annotations

from typing import ClassVar

from wasihost._wasi.common import http
from wasihost._wasi.common.http import AnyCode, from_error
from wasihost._wasi.http.bodies import BrokenOff
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.p2.http.bodies import FutureTrailers, IncomingBody, OutgoingBody
from wasihost._wasi.p2.http.fields import Fields, HeaderError
from wasihost._wasi.p2.http.messages import (
    FutureIncomingResponse,
    IncomingRequest,
    IncomingResponse,
    OutgoingRequest,
    OutgoingResponse,
    ResponseOutparam,
)
from wasihost._wasi.p2.http.options import RequestOptions
from wasihost._wasi.p2.io.error import Error


class Types:
    """Provider of wasi:http/types."""

    Fields = Fields
    IncomingRequest = IncomingRequest
    OutgoingRequest = OutgoingRequest
    RequestOptions = RequestOptions
    ResponseOutparam = ResponseOutparam
    IncomingResponse = IncomingResponse
    IncomingBody = IncomingBody
    FutureTrailers = FutureTrailers
    OutgoingResponse = OutgoingResponse
    OutgoingBody = OutgoingBody
    FutureIncomingResponse = FutureIncomingResponse

    wit_types: ClassVar[dict[str, type]] = {**http.TYPES, "header-error": HeaderError}

    def __init__(self, rules: FieldRules) -> None:
        self.rules = rules

    def http_error_code(self, err: Error) -> AnyCode | None:
        """WIT: `http-error-code: func(err: borrow<io-error>) -> option<error-code>`; none for errors of others."""
        return from_error(err.cause.error) if isinstance(err.cause, BrokenOff) else None
