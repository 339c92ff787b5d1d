"""Requests and responses as the resources of a guest: their parts, and their bodies.

Each has its body as `wasihost._http` has it: the guest's own, or one that came in. So a request that came in can be
sent on, and the reader of a body need not know where it comes from.
"""

from __future__ import annotations

from wasihost._http import messages
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import NO_OPTIONS, Body, RequestOptions
from wasihost._http.targets import target_of
from wasihost._wasi.http.bodies import GuestBody, StreamBody
from wasihost._wasi.http.fields import FieldRules, Fields, is_length
from wasihost._wasi.http.syntax import is_authority, is_method, is_path, is_scheme, is_status

WITHOUT_CONTENT = frozenset({204, 304})
"""Statuses whose responses have none, whatever their headers say of a length."""


WITHOUT_REQUEST_CONTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "DELETE"})
"""Methods whose requests mostly have none; servers do not expect chunks of them then (RFC 9110, section 9.3)."""


class Request:
    """A request that a guest makes or has been given."""

    def __init__(self, headers: Fields, body: Body, options: RequestOptions | None = None) -> None:
        self.headers = headers
        self.body = body
        self.options = options
        self._method = "GET"
        self._scheme: str | None = None
        self._authority: str | None = None
        self._path: str | None = None

    @classmethod
    def received(cls, rules: FieldRules, request: messages.Request) -> Request:
        """One that came in."""
        found = cls(Fields.received(rules, request.headers), request.body)
        found._method = request.method
        found._scheme = request.scheme
        found._authority = request.authority
        found._path = request.path
        return found

    @property
    def method(self) -> str:
        """As it goes over the wire."""
        return self._method

    def set_method(self, method: str) -> bool:
        """Whether it is a token; else nothing changes."""
        if not is_method(method):
            return False
        self._method = method
        return True

    @property
    def path(self) -> str | None:
        """With the query; None if there is none."""
        return self._path

    def set_path(self, path: str | None) -> bool:
        """Whether it is a path with a query; else nothing changes. An empty one is `/`."""
        if path is not None and not is_path(path):
            return False
        self._path = "/" if path == "" else path
        return True

    @property
    def scheme(self) -> str | None:
        """`http`, `https`, or another, as it was given."""
        return self._scheme

    def set_scheme(self, scheme: str | None) -> bool:
        """Whether it is the name of a scheme; else nothing changes."""
        if scheme is not None and not is_scheme(scheme):
            return False
        self._scheme = scheme.lower() if scheme is not None and scheme.lower() in ("http", "https") else scheme
        return True

    @property
    def authority(self) -> str | None:
        """Host and port, as they were given."""
        return self._authority

    def set_authority(self, authority: str | None) -> bool:
        """Whether it is a host, perhaps with a port; else nothing changes."""
        if authority is not None and not is_authority(authority):
            return False
        self._authority = authority
        return True

    async def settle(self) -> None:
        """Finds out whether there is content, if the method has mostly none: guests pass on a stream all the same."""
        if not isinstance(self.body, StreamBody) or self._method not in WITHOUT_REQUEST_CONTENT:
            return
        try:
            await self.body.settle()
        except BaseException:
            self.body.close(HttpError(ErrorCode.CONNECTION_TERMINATED))
            raise

    def sent(self) -> messages.Request:
        """As a `Handler` takes it. Errors: HttpError, if it cannot be sent; the body is closed then."""
        try:
            return self._sent()
        except HttpError as error:
            self.body.close(error)
            raise

    def _sent(self) -> messages.Request:
        if isinstance(self.body, GuestBody):
            self.body.check()
            if self._method in WITHOUT_REQUEST_CONTENT:
                self.body.waive_trailers()
        request = messages.Request(
            method=self._method,
            scheme=self._scheme,
            authority=self._authority,
            path=self._path,
            headers=self.headers.entries,
            body=self.body,
            options=self.options or NO_OPTIONS,
        )
        target = target_of(request)
        request.scheme = target.scheme
        request.path = target.path
        return request


class Response:
    """A response that a guest makes or has been given."""

    def __init__(self, headers: Fields, body: Body) -> None:
        self.headers = headers
        self.body = body
        self._status = 200

    @classmethod
    def received(cls, rules: FieldRules, response: messages.Response) -> Response:
        """One that came in."""
        found = cls(Fields.received(rules, response.headers), response.body)
        found._status = response.status
        return found

    @property
    def status(self) -> int:
        """The status code."""
        return self._status

    def set_status(self, status: int) -> bool:
        """Whether it is a status code; else nothing changes."""
        if not is_status(status):
            return False
        self._status = status
        return True

    def sent(self, method: str) -> messages.Response:
        """As a `Handler` gives it for a request of that method. Errors: HttpError, if it cannot be sent; the body is
        closed then.
        """
        try:
            self._check(method)
        except HttpError as error:
            self.body.close(error)
            raise
        return messages.Response(status=self._status, headers=self.headers.entries, body=self.body)

    def _check(self, method: str) -> None:
        if self._status < 200:  # not final, and WASI has no word for others
            raise HttpError(ErrorCode.INTERNAL_ERROR, f"{self._status} is not the status of a final response")
        if not isinstance(self.body, GuestBody):
            return
        if method == "HEAD" or self._status in WITHOUT_CONTENT:
            self.body.waive_length()
        else:
            self.body.check()


def content_length(headers: Fields) -> int | None:
    """The value of `content-length`, if it is there and a number."""
    found = headers.get("content-length")
    return int(found[0]) if found and is_length(found[0]) else None
