"""`wasi:sockets` 0.3: the providers are `types.Types` and `ip_name_lookup.IpNameLookup`."""

from __future__ import annotations

from typing import Final

from wasihost._network.names import Names
from wasihost._wasi.sockets.access import Access

IN_ORDER: Final = ("wasi:sockets/types@0.3.0#[method]tcp-socket.bind",)
"""Functions that must come after the guest's operations on streams: dropping an accept stream frees its port."""


def providers(access: Access, names: Names) -> dict[str, object]:
    """A provider for each interface, for one guest."""
    # Importing wasihost shall not take the time of these, nor shall commands that only show a component.
    from wasihost._wasi.p3.sockets.ip_name_lookup import IpNameLookup
    from wasihost._wasi.p3.sockets.types import Types
    from wasihost._wasi.sockets.lookup import Lookup

    return {
        "wasi:sockets/types@0.3.0": Types(access),
        "wasi:sockets/ip-name-lookup@0.3.0": IpNameLookup(Lookup(names, access)),
    }
