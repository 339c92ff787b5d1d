"""`Telemetry`: spans of OpenTelemetry, made of the events of guests, and metrics of pools.

Theory of operation. The span of a guest begins with it, in the context that starts it, and is the parent of all others,
which are made when their subject has ended. Until then a `_Guest` has its sockets and files; its end is theirs. Guest 0
is the server of a `Host`, and never ends.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from wasihost._base.errors import MissingExtraError
from wasihost._base.version import __version__
from wasihost._recording import events
from wasihost._recording.pictures import lanes
from wasihost._recording.pictures.lanes import Lane

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import Span, SpanKind, TracerProvider

Attributes: TypeAlias = Mapping[str, str | int]

_MOST: Final = 16
"""Peers and failures that are remembered of a socket."""


class Measured(Protocol):
    """The figures of a `Pool`."""

    @property
    def in_use(self) -> int:
        """Instances that serve."""
        ...

    @property
    def ready(self) -> int:
        """Instances that wait for requests."""
        ...

    @property
    def waiting(self) -> int:
        """Requests that wait for an instance."""
        ...


class _Guest:
    """The span of a guest, and the sockets and files by number that it has open."""

    def __init__(self, span: Span | None = None) -> None:
        self.span = span
        self.lanes: dict[int, Lane] = {}
        self.files: dict[int, _OpenFile] = {}


class _OpenFile:
    def __init__(self, path: str, began_ns: int) -> None:
        self.path = path
        self.began_ns = began_ns
        self.read = 0
        self.written = 0


class Telemetry:
    """Spans for guests, their calls, connections, requests and files: `Host(on_event=Telemetry())`.

    One is for one `Host`. `tracer_provider` and `meter_provider` are OpenTelemetry's, by default the global ones.
    `calls`: whether each call of a host function is a span, which is a great many. Errors: MissingExtraError.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        calls: bool = False,
    ) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError:
            raise MissingExtraError("otel", "spans are those of OpenTelemetry") from None
        self._tracer = trace.get_tracer("wasihost", __version__, tracer_provider)
        self._meter = metrics.get_meter("wasihost", __version__, meter_provider)
        self._calls = calls
        self._guests = {0: _Guest()}

    def __call__(self, event: events.Event) -> None:
        """Begins, changes or ends the spans that an event is about."""
        if isinstance(event, events.GuestStarted):
            span = self._tracer.start_span("run", attributes={"wasihost.component": event.name})
            self._guests[event.guest] = _Guest(span)
        guest = self._guests.get(event.guest) or _Guest()  # one that has ended is not kept
        match event:
            case events.HostCall(path=path, duration_ns=duration_ns, error=error) if self._calls:
                self._span(event, path, {"wasihost.function": path}, duration_ns, error)
            case events.HttpExchange():
                self._request(event)
            case events.SocketEvent():
                self._socket(event, guest.lanes)
            case events.FileEvent():
                self._file(event, guest.files)
            case events.GuestEnded():
                self._end(event, guest)

    def observe(self, pool: Measured, name: str) -> None:
        """Makes metrics of a pool: `wasihost.pool.instances` by state, and `wasihost.pool.waiting` requests."""
        from opentelemetry.metrics import Observation

        def instances(_options: CallbackOptions) -> Iterable[Observation]:
            for state, count in (("used", pool.in_use), ("idle", pool.ready)):
                yield Observation(count, {"wasihost.pool.name": name, "wasihost.pool.state": state})

        def waiting(_options: CallbackOptions) -> Iterable[Observation]:
            yield Observation(pool.waiting, {"wasihost.pool.name": name})

        self._meter.create_observable_gauge("wasihost.pool.instances", [instances], "{instance}")
        self._meter.create_observable_gauge("wasihost.pool.waiting", [waiting], "{request}")

    # ---- spans

    def _span(
        self,
        event: events.Event,
        name: str,
        attributes: Attributes,
        duration_ns: int,
        error: str | None,
        kind: SpanKind | None = None,
        parent: Context | None = None,
    ) -> None:
        """A span that ends with this event."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        guest = self._guests.get(event.guest)
        if guest is not None and guest.span is not None and parent is None:
            parent = set_span_in_context(guest.span)
        now_ns = time.time_ns()
        span = self._tracer.start_span(
            name, parent, kind or SpanKind.INTERNAL, attributes=attributes, start_time=now_ns - duration_ns
        )
        _fail(span, error)
        span.end(now_ns)

    def _request(self, event: events.HttpExchange) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        attributes: dict[str, str | int] = {
            "http.request.method": event.method,
            "url.full": event.url,
            "http.request.body.size": len(event.content),
            "http.response.body.size": len(event.response_content),
        }
        if event.status is not None:
            attributes["http.response.status_code"] = event.status
        carrier = {name.lower(): value.decode("latin-1") for name, value in event.headers}
        is_served = event.way == "in"
        parent = TraceContextTextMapPropagator().extract(carrier) if is_served else None
        kind = SpanKind.SERVER if is_served else SpanKind.CLIENT
        failed = event.status is not None and event.status >= (500 if is_served else 400)
        error = event.error or (str(event.status) if failed else None)
        self._span(event, event.method, attributes, event.duration_ns, error, kind, parent)

    def _socket(self, event: events.SocketEvent, sockets: dict[int, Lane]) -> None:
        if isinstance(event, events.Created):
            sockets[event.socket] = lanes.created(event)
        elif isinstance(event, events.Accepted):
            sockets[event.accepted] = lanes.accepted(event)
        elif (found := sockets.get(event.socket)) is not None:
            found.add(event)
            if len(found.peers) > _MOST:
                del found.peers[next(iter(found.peers))]
            del found.failures[_MOST:]
            if isinstance(event, events.Closed | events.Aborted):
                self._connection(event, sockets.pop(event.socket))

    def _connection(self, event: events.Event, lane: Lane) -> None:
        """The span of a socket that has ended, but for one that only listened or was not used."""
        peer = next(reversed(lane.peers), None)
        if lane.role == "listening" or (peer is None and not lane.is_trouble):
            return
        attributes: dict[str, str | int] = {
            "network.transport": lane.protocol,
            "wasihost.bytes.sent": lane.sent,
            "wasihost.bytes.received": lane.received,
            "wasihost.connection.end": lane.end or "open at the end",
        }
        for side, address in (("peer", peer), ("local", lane.local)):
            if address is not None:
                attributes[f"network.{side}.address"] = str(address.ip)
                attributes[f"network.{side}.port"] = address.port
        error = (lane.failures or [lane.end])[0] if lane.is_trouble else None
        self._span(event, f"{lane.protocol} {lane.role}", attributes, event.time_ns - lane.begin_ns, error)

    def _file(self, event: events.FileEvent, files: dict[int, _OpenFile]) -> None:
        opened = files.get(event.file)
        match event:
            case events.DirectoryGiven(name=name):
                files[event.file] = _OpenFile(name, event.time_ns)
            case events.FileRead(data=data) if opened is not None:
                opened.read += len(data)
            case events.FileWritten(data=data) if opened is not None:
                opened.written += len(data)
            case events.FileCalled(call="open", arguments=(path, *_), answers=(_, number, *_)) if opened is not None:
                path = posixpath.normpath(posixpath.join(opened.path, path))
                files[int(number)] = _OpenFile(path, event.time_ns)
            case events.FileClosed() if opened is not None:
                self._closed_file(event, files.pop(event.file))

    def _closed_file(self, event: events.Event, file: _OpenFile) -> None:
        attributes: Attributes = {
            "file.path": file.path,
            "wasihost.bytes.read": file.read,
            "wasihost.bytes.written": file.written,
        }
        self._span(event, "file", attributes, event.time_ns - file.began_ns, None)

    def _end(self, event: events.GuestEnded, guest: _Guest) -> None:
        """Ends the spans that are left of a guest, and its own."""
        for lane in guest.lanes.values():
            self._connection(event, lane)
        for file in guest.files.values():
            self._closed_file(event, file)
        del self._guests[event.guest]
        if guest.span is not None:
            if event.exit_code is not None:
                guest.span.set_attribute("wasihost.exit_code", event.exit_code)
            _fail(guest.span, event.error or (f"exit code {event.exit_code}" if event.exit_code else None))
            guest.span.end()


def _fail(span: Span, error: str | None) -> None:
    from opentelemetry.trace import Status, StatusCode

    if error is not None:
        span.set_attribute("error.type", error.partition(":")[0])
        span.set_status(Status(StatusCode.ERROR, error))
