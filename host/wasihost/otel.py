"""Spans and metrics of OpenTelemetry: `Host(on_event=Telemetry())`, with the extra `wasihost[otel]`."""

from wasihost._base.public import publish as _publish
from wasihost._recording.telemetry import Telemetry

__all__ = ["Telemetry"]

_publish(globals())
