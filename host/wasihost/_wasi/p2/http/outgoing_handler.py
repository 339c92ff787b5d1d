"""`wasi:http/outgoing-handler`."""

from __future__ import annotations

from wasihost._http.errors import HttpError
from wasihost._wasi.common import http
from wasihost._wasi.common.http import wit_error
from wasihost._wasi.http.context import Http
from wasihost._wasi.p2.http.messages import FutureIncomingResponse, OutgoingRequest
from wasihost._wasi.p2.http.options import RequestOptions


class OutgoingHandler:
    """Provider of wasi:http/outgoing-handler."""

    wit_types = http.TYPES

    def __init__(self, http: Http) -> None:
        self._http = http

    def handle(self, request: OutgoingRequest, options: RequestOptions | None) -> FutureIncomingResponse:
        """WIT: `handle: func(request: outgoing-request, options: option<request-options>) -> result<future-incoming-response, error-code>`.

        Without a scheme it is HTTPS, without a path `/`.
        - `HTTP-protocol-error`: the scheme is neither HTTP nor HTTPS.
        - `HTTP-request-URI-invalid`: there is no authority, or it names a user.
        - `HTTP-request-body-size`: there is no content, and `content-length` says otherwise.

        All that fails later is in the future.
        """  # noqa: E501
        request.finish()
        request.core.options = None if options is None else options.core()
        try:
            sent = request.core.sent()
        except HttpError as error:
            raise wit_error(error) from error
        return FutureIncomingResponse(self._http.handler(sent), self._http.rules)
