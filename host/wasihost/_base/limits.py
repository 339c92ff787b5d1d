"""How much of the host a guest may use: `Host(limits=Limits(run_time_s=10, memory_bytes=64 << 20))`.

Beyond a limit the guest ends, and the embedder gets a `LimitError`, for time a `GuestTimeout`, with the limit and its
value; docs/reference/limits.md has the definition of each, and the test behind it. Three are reported otherwise: a
memory or table that may not grow is -1 to the guest, which may go on; bytes beyond `buffered_bytes` wait.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from wasihost._base import bounds
from wasihost._base.bounds import Bytes, fraction
from wasihost._base.errors import GuestTimeout, LimitError

_TIMES: Final = ("run_time_s", "cpu_time_s")

LARGEST_VALUE: Final = (1 << 28) - 65536
"""A little below the largest block that the generated components can allocate."""
LARGEST_BUFFER: Final = 72 << 20
"""All blocks of the adapter component's memory: 1024 of 64 KiB and 8 of 1 MiB."""
LARGEST: Final = 1 << 40
"""Of a limit that has no greatest value of its own."""

_whole = functools.partial(bounds.whole, greatest=LARGEST)


@dataclass(frozen=True, kw_only=True, repr=False)
class Limits:
    """Limits of each guest, with safe defaults; bytes also as a text such as "64MiB".

    Errors: ConfigError, which names the limit.
    """

    run_time_s: float | None = fraction("wall-clock seconds of a whole run, or of each call of an instance")
    cpu_time_s: float | None = fraction("seconds in which the guest, and what it calls of Python, computes")
    fuel: int | None = bounds.whole(
        "what the guest executes, about an instruction each, whatever the machine's load", least=1
    )
    memory_bytes: Bytes = _whole("linear memories and the heap of garbage collected values of an instance", 1 << 30)
    total_memory_bytes: Bytes = _whole("the same of all instances of a Host, and their values in flight", 4 << 30)
    memories: int = _whole("linear memories", 50)
    tables: int = _whole("tables", 100)
    table_elements: int = _whole("elements of each table", 1_000_000)
    instances: int = _whole("core instances that a component consists of", 1000)
    resources: int = _whole("objects of providers that the guest holds", 100_000)
    streams: int = _whole("ends of streams and futures that the host holds", 50_000)
    pending_calls: int = _whole("calls under way: of the guest's, and of its exports", 20_000)
    list_bytes: Bytes = _whole(
        "one list of numbers, and all lists in one value",
        LARGEST_VALUE,
        least=1,
        greatest=LARGEST_VALUE,
    )
    values_in_flight_bytes: Bytes = _whole("values in flight", 512 << 20, least=1 << 16, greatest=944 << 20)
    buffered_bytes: Bytes = _whole(
        "bytes of streams that the host holds for the guest", LARGEST_BUFFER, least=1 << 16, greatest=LARGEST_BUFFER
    )
    stack_bytes: Bytes = _whole("the guest's call stack", 512 << 10, least=1 << 16, greatest=1 << 30)
    component_bytes: Bytes = _whole("the component's file", 100 << 20)
    world_parts: int = _whole("functions, resources and parts of types of imports and exports", 50_000)
    module_items: int = _whole("globals and imports of one core module", 50_000)
    data_segments: int = _whole("data segments of core modules, without those that adjoin and are merged", 12_000)
    async_components: int = _whole("components of a composition that may call each other asynchronously", 1)

    def __post_init__(self) -> None:
        bounds.settle(self)

    def __repr__(self) -> str:
        return bounds.described(self)

    @classmethod
    def parse(cls, limits: Iterable[str]) -> Limits:
        """From texts such as `run-time-s=10` and `memory-bytes=64MiB`; KiB, MiB and GiB are units of bytes."""
        return cls(**bounds.parse(limits, bounds.bounds(cls)))

    def reached(self, name: str, what: str, backtrace: Sequence[str] = ()) -> LimitError:
        """The error for a limit: the excess, the limit, its value, and how to raise it; then the backtrace."""
        value = getattr(self, name)
        advice = f"raise it with Limits({name}=...) or --limit {name.replace('_', '-')}=..."
        if value == bounds.bounds(self)[name].greatest:
            advice = "which cannot be raised"
        cls = GuestTimeout if name in _TIMES else LimitError
        return cls(f"{what}: the limit {name} is {value}; {advice}", name, value, backtrace)


DEFAULTS: Final = Limits()
