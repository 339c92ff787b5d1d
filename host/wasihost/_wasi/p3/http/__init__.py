"""wasi:http 0.3; only hosts of guests that import it import this."""

from __future__ import annotations

from wasihost._wasi.http.context import Http
from wasihost._wasi.p3.http.client import Client
from wasihost._wasi.p3.http.types import Types


def providers(http: Http) -> dict[str, object]:
    """A provider for each interface, for one guest."""
    return {
        "wasi:http/types@0.3.0": Types(http.rules),
        "wasi:http/client@0.3.0": Client(http),
    }
