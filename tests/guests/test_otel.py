"""`wasihost.otel`: spans of guests, calls, connections, requests and files, and metrics of pools."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.guests.harness import Output, load
from tests.guests.test_http_recordings import echoing_origin, request_for
from tests.unit.http.peers import whole
from wasihost import GuestExit, Host, MissingExtraError, allow_all
from wasihost.files import MemoryFiles
from wasihost.otel import Telemetry

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Spans:
    """A telemetry, and the spans that it has made."""

    def __init__(self, *, calls: bool = False) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.telemetry = Telemetry(tracer_provider=self.provider, calls=calls)

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all if span.name == name]

    def run(self, name: str, **options: object) -> None:
        Host(policy=allow_all, stdout=Output(), stderr=Output(), on_event=self.telemetry, **options).run(load(name))  # type: ignore[arg-type]


def attributes(span: ReadableSpan) -> Mapping[str, object]:
    return span.attributes or {}


def is_child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    return span.parent is not None and span.parent.span_id == parent.context.span_id


def test_a_run_is_a_span_with_its_connections_below() -> None:
    spans = Spans()
    spans.run("rust-tcp-connections", env={"FAMILY": "ipv4", "CASE": "connect"})
    [run] = spans.named("run")
    assert attributes(run) == {"wasihost.component": "rust-tcp-connections.wasm", "wasihost.exit_code": 0}
    assert run.status.status_code is StatusCode.UNSET
    [client], [server] = spans.named("tcp client"), spans.named("tcp server")
    assert all(is_child(span, run) and span.status.is_unset for span in (client, server))
    assert attributes(client)["wasihost.bytes.sent"] == attributes(server)["wasihost.bytes.received"] == 12
    assert attributes(client)["network.peer.port"] == attributes(server)["network.local.port"]
    for span in (client, server):
        assert run.start_time <= span.start_time <= span.end_time <= run.end_time  # type: ignore[operator]


def test_a_run_is_below_the_span_that_starts_it() -> None:
    spans = Spans()
    with spans.provider.get_tracer("test").start_as_current_span("request") as above:
        spans.run("rust-random", env={"CASE": "u64"})
    [run] = spans.named("run")
    assert run.parent is not None
    assert run.parent.span_id == above.get_span_context().span_id


def test_a_guest_that_fails_and_its_connection_are_errors() -> None:
    spans = Spans()
    with pytest.raises(GuestExit):
        spans.run("rust-tcp-client", env={"ADDRESS": "127.0.0.1:1"})
    [run] = spans.named("run")
    assert (run.status.status_code, run.status.description) == (StatusCode.ERROR, "exit code 1")
    [client] = spans.named("tcp client")
    assert (client.status.status_code, attributes(client)["error.type"]) == (StatusCode.ERROR, "ECONNREFUSED")


def test_calls_are_spans_if_they_are_asked_for() -> None:
    spans = Spans(calls=True)
    spans.run("rust-random", env={"CASE": "u64"})
    [run] = spans.named("run")
    calls = spans.named("wasi:random/random@0.3.0#get-random-u64")
    assert len(calls) == 256
    assert all(is_child(span, run) for span in calls)


def test_a_file_is_a_span_from_its_opening_to_its_closing() -> None:
    spans = Spans()
    spans.run("rust-files", files={"/data": MemoryFiles()}, env={"CASE": "write"})
    found = {str(attributes(span)["file.path"]): attributes(span) for span in spans.named("file")}
    assert "/data" in found
    assert any(each["wasihost.bytes.written"] for each in found.values())
    assert [*spans.telemetry._guests] == [0]


async def test_requests_are_spans_of_client_and_server_in_the_trace_of_the_caller() -> None:
    spans = Spans()
    host = Host(policy=allow_all, http={"api.test": echoing_origin}, on_event=spans.telemetry)
    headers = {
        "scheme": "http",
        "authority": "api.test",
        "bytes": "3",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }
    async with host.answering(load("rust-http"), instances=1) as handler:
        await whole(await handler(request_for("send", headers=headers)))
    [sent], [served] = spans.named("GET"), spans.named("POST")
    assert (sent.kind, served.kind) == (SpanKind.CLIENT, SpanKind.SERVER)
    assert attributes(sent)["url.full"] == "http://api.test/"
    assert attributes(sent)["http.response.status_code"] == 201
    assert f"{served.context.trace_id:x}" == TRACE
    assert any(is_child(sent, run) for run in spans.named("run"))


async def test_a_pool_has_metrics() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    telemetry = Telemetry(meter_provider=provider)
    async with Host().pool(load("rust-random"), size=2, min_ready=1) as pool:
        telemetry.observe(pool, "api")
        async with pool.instance():
            data = reader.get_metrics_data()
    assert data is not None
    metrics = {metric.name: metric for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    points = {
        str((point.attributes or {})["wasihost.pool.state"]): point.value  # type: ignore[union-attr]
        for point in metrics["wasihost.pool.instances"].data.data_points
    }
    assert points["used"] == 1
    assert "idle" in points
    assert [point.value for point in metrics["wasihost.pool.waiting"].data.data_points] == [0]  # type: ignore[union-attr]
    provider.shutdown()


def test_it_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtraError, match=r"wasihost\[otel\]"):
        Telemetry()
