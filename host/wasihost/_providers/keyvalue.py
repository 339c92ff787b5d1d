"""`wasi:keyvalue`: buckets that are mappings."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from wasihost._providers.buckets import MAX_BYTES, Stored
from wasihost._providers.drafts import Draft, Draft2


def keyvalue(
    buckets: Mapping[str, MutableMapping[str, bytes]], *, max_bytes: int | None = MAX_BYTES
) -> dict[str, object]:
    """Providers of `wasi:keyvalue` for `Host(providers=…)`: `store`, `atomics` and `batch` of both its drafts.

    Guests open the buckets by their identifiers, mostly "default": a dict, a `SqliteBucket`, or any `MutableMapping`
    from str to bytes. An OSError that it raises is an `error` of the guest. If it has a method `transaction` that gives
    a context, increments, swaps and batches happen within one. `max_bytes`: how many bytes of keys and values guests
    may fill each bucket with; None: any number.
    """
    contents = {identifier: Stored(mapping, max_bytes) for identifier, mapping in buckets.items()}
    drafts = {"draft": Draft(contents), "draft2": Draft2(contents)}
    return {
        f"wasi:keyvalue/{interface}@0.2.0-{draft}": provider
        for draft, provider in drafts.items()
        for interface in ("store", "atomics", "batch")
    }
