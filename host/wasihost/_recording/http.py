"""A handler around another one, which notes each request and its response in a recording."""

from __future__ import annotations

from wasihost._http.errors import HttpError
from wasihost._http.messages import READ_BYTES, Body, BodyAround, Handler, Header, Request, Response
from wasihost._recording import events
from wasihost._recording.events import Way
from wasihost._recording.recording import Recorder, Recording


class RecordingHandler:
    """Notes the requests that a guest sends (`out`) or is sent (`in`): a `Handler`.

    A request is noted when the body of its response is closed, or when there is none.
    """

    def __init__(self, inner: Handler, recorder: Recorder, way: Way) -> None:
        self._inner = inner
        self._recorder = recorder
        self._way = way

    async def __call__(self, request: Request) -> Response:
        """The response of the inner handler. Errors: those of that."""
        exchange = _Exchange(self._recorder, self._way, request)
        request.body = _Noted(request.body, exchange.content)
        try:
            response = await self._inner(request)
        except BaseException as error:
            exchange.end(None, error)
            raise
        response.body = _NotedResponse(response, exchange)
        return response


class _Exchange:
    def __init__(self, recorder: Recorder, way: Way, request: Request) -> None:
        self.content = _Content(recorder.recording)
        self.answered = _Content(recorder.recording)
        self._recorder = recorder
        self._way = way
        self._request = request
        self._url = f"{request.scheme or 'https'}://{request.authority or ''}{request.path or '/'}"
        self._began_ns = recorder.recording.now_ns()

    def end(self, response: Response | None, error: BaseException | None) -> None:
        time_ns, guest = self._recorder.now()
        self._recorder.add(
            events.HttpExchange(
                time_ns,
                guest,
                self._way,
                self._request.method,
                self._url,
                tuple(self._request.headers),
                self.content.kept(),
                None if response is None else response.status,
                () if response is None else tuple(response.headers),
                self.answered.kept(),
                tuple(self.answered.trailers),
                _words(error),
                time_ns - self._began_ns,
                tuple(self.content.trailers),
            )
        )


def _words(error: BaseException | None) -> str | None:
    return error.code.value if isinstance(error, HttpError) else None if error is None else type(error).__name__


class _Content:
    """Content as it comes, as far as the recording keeps it, and trailers."""

    def __init__(self, recording: Recording) -> None:
        self.trailers: list[Header] = []
        self._data = bytearray() if recording.keeps_bytes else None
        self._size = 0

    def add(self, data: bytes) -> None:
        self._size += len(data)
        if self._data is not None:
            self._data += data

    def kept(self) -> bytes:
        return events.Omitted(self._size) if self._data is None else bytes(self._data)


class _Noted(BodyAround):
    """A body whose content and trailers are noted as they are read."""

    def __init__(self, inner: Body, content: _Content) -> None:
        super().__init__(inner)
        self._content = content

    async def read(self, n: int = READ_BYTES) -> bytes:
        data = await self.inner.read(n)
        self._content.add(data)
        return data

    async def trailers(self) -> list[Header]:
        self._content.trailers = await self.inner.trailers()
        return self._content.trailers


class _NotedResponse(_Noted):
    """The body of a response, with which its exchange ends."""

    def __init__(self, response: Response, exchange: _Exchange) -> None:
        super().__init__(response.body, exchange.answered)
        self._response = response
        self._exchange: _Exchange | None = exchange
        self._error: HttpError | None = None

    async def read(self, n: int = READ_BYTES) -> bytes:
        try:
            return await super().read(n)
        except HttpError as error:
            self._error = error
            raise

    async def trailers(self) -> list[Header]:
        try:
            return await super().trailers()
        except HttpError as error:
            self._error = error
            raise

    def close(self, error: HttpError | None = None) -> None:
        self.inner.close(error)
        exchange = self._exchange
        self._exchange = None
        if exchange is not None:
            exchange.end(self._response, error or self._error)
