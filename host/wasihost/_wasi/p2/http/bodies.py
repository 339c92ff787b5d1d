"""The bodies of `wasi:http/types`: `incoming-body`, `future-trailers` and `outgoing-body`, on the core."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from wasihost._base import eager
from wasihost._component.values import Err, Ok, WitError
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Body
from wasihost._wasi.common.http import from_error, wit_error
from wasihost._wasi.common.http_fields import HasRules
from wasihost._wasi.http import fields
from wasihost._wasi.http.bodies import BodySource, BrokenOff
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.http.writing import WrittenBody
from wasihost._wasi.p2.http.fields import Fields
from wasihost._wasi.p2.io.error import Domain
from wasihost._wasi.p2.io.poll import Parent, Pollable, Subject
from wasihost._wasi.p2.io.streams import InputStream, OutputStream


class _Source(BodySource):
    """The content of a body, for an `input-stream`."""

    def read_into(self, view: memoryview) -> int:
        """The next bytes. Errors: BrokenOff, where the content breaks off."""
        size = super().read_into(view)
        if not size and self.error is not None:
            raise BrokenOff(self.error)
        return size


class IncomingBody(Parent):
    """WIT: `resource incoming-body`."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self._body = body
        self._source = _Source(body)
        self._has_stream = False

    def stream(self) -> InputStream:
        """WIT: `stream: func() -> result<input-stream>`; once.

        The stream fails if the content breaks off, and `http-error-code` says why.
        """
        if self._has_stream:
            raise WitError()
        self._has_stream = True
        return InputStream(self._source, self, Domain.HTTP)

    @classmethod
    def finish(cls, provider: HasRules, this: IncomingBody) -> FutureTrailers:
        """WIT: `finish: static func(this: incoming-body) -> future-trailers`.

        Unread content is discarded. A trap while the stream is there.
        """
        this._leave()
        return FutureTrailers(this._body, this._source, provider.rules)

    def drop(self) -> None:
        """The rest is not wanted."""
        self._leave()
        self._source.cancel()
        self._body.close(self._source.error)


class OnceReceived(Subject):
    """A future of `wasi:http/types` that gives a result once."""

    def __init__(self, receiving: Coroutine[Any, Any, Ok | Err]) -> None:
        super().__init__()
        self._was_given = False
        self._received = eager.begin(receiving)

    def _take(self) -> Ok | Err | None:
        """The result, once, and an err after that; None while there is none."""
        if not self._received.done():
            return None
        if self._was_given:
            return Err()
        self._was_given = True
        return Ok(self._received.result())

    def _is_ready(self) -> bool:
        return self._received.done()

    def _watch(self) -> None:
        self._received.add_done_callback(lambda _: self._changed())


class FutureTrailers(OnceReceived):
    """WIT: `resource future-trailers`."""

    def __init__(self, body: Body, source: BodySource, rules: FieldRules) -> None:
        self._body = body
        self._source = source
        self._rules = rules
        super().__init__(self._receive())

    def subscribe(self) -> Pollable:
        """WIT: `subscribe: func() -> pollable`; ready when the whole body has been received, or broke off."""
        return Pollable(self)

    def get(self) -> Ok | Err | None:
        """WIT: `get: func() -> option<result<result<option<trailers>, error-code>>>`; the inner result once."""
        return self._take()

    def drop(self) -> None:
        """Gives up waiting."""
        self._leave()
        self._received.cancel()

    # ---- below the WIT

    async def _receive(self) -> Ok | Err:
        failed: HttpError | None = None
        try:
            await self._source.discard()
            found = await self._body.trailers()
        except HttpError as error:
            failed = error
            return Err(from_error(error))
        finally:
            self._body.close(failed)
        return Ok(Fields.of(fields.Fields.received(self._rules, found)) if found else None)


class _BodyStream(OutputStream):
    """The `output-stream` of a body, which counts the guest's bytes."""

    def __init__(self, body: WrittenBody, parent: Parent) -> None:
        super().__init__(body.sink(), parent, Domain.HTTP)
        self._body = body

    def _count(self, size: int) -> None:
        """Fails if `content-length` permits less."""
        try:
            self._body.count(size)
        except BrokenOff as error:
            self.break_off(error)


class OutgoingBody(Parent):
    """WIT: `resource outgoing-body`."""

    def __init__(self, body: WrittenBody) -> None:
        super().__init__()
        self._body = body
        self._has_stream = False

    def write(self) -> OutputStream:
        """WIT: `write: func() -> result<output-stream>`; once.

        A write of more than `content-length` permits fails, and `http-error-code` gives the size.
        """
        if self._has_stream:
            raise WitError()
        self._has_stream = True
        return _BodyStream(self._body, self)

    @classmethod
    def finish(cls, provider: HasRules, this: OutgoingBody, trailers: Fields | None) -> None:
        """WIT: `finish: static func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>`.

        A trap while the stream is there.
        - `HTTP-request-body-size`, `HTTP-response-body-size`: it is not as long as `content-length` says.
        - The failure that broke the body off before.
        """
        this._leave()
        try:
            this._body.finish([] if trailers is None else trailers.core.entries)
        except HttpError as error:
            raise wit_error(error) from error

    def drop(self) -> None:
        """The body breaks off: it was not finished."""
        self._leave()
        self._body.fail(HttpError(ErrorCode.HTTP_PROTOCOL_ERROR))
