"""wasi:http 0.2; only hosts of guests that import it import this."""

from __future__ import annotations

from wasihost._wasi.http.context import Http
from wasihost._wasi.p2.http.outgoing_handler import OutgoingHandler
from wasihost._wasi.p2.http.types import Types


def providers(http: Http) -> dict[str, object]:
    """A provider for each interface, for one guest."""
    return {
        "wasi:http/types@0.2.0": Types(http.rules),
        "wasi:http/outgoing-handler@0.2.0": OutgoingHandler(http),
    }
