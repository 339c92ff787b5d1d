"""`wasi:http/client`."""

from __future__ import annotations

from wasihost._http.errors import HttpError
from wasihost._wasi.common import http
from wasihost._wasi.common.http import wit_error
from wasihost._wasi.http import messages
from wasihost._wasi.http.context import Http
from wasihost._wasi.p3.http.messages import Request, Response


class Client:
    """Provider of wasi:http/client."""

    wit_types = http.TYPES

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, request: Request) -> Response:
        """WIT: `send: async func(request: request) -> result<response, error-code>`.

        Without a scheme it is HTTPS, without a path `/`.
        - `HTTP-protocol-error`: the scheme is neither HTTP nor HTTPS.
        - `HTTP-request-URI-invalid`: there is no authority, or it names a user.
        - `HTTP-request-body-size`: there is no content, and `content-length` says otherwise.
        - `internal-error`: two values of `content-length` differ.
        - The error of the handler, see `wasihost._http.errors`.
        """
        request.take_body()
        await request.core.settle()
        try:
            response = await self._http.handler(request.core.sent())
        except HttpError as error:
            raise wit_error(error) from error
        return Response(messages.Response.received(self._http.rules, response))
