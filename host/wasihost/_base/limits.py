"""What a guest may use of the host: `Host(limits=Limits(run_time_s=10, memory_bytes=64 << 20))`.

What is beyond a limit ends the guest, and the embedder gets a `LimitError`, for time a `GuestTimeout`, which says the
limit and its value; docs/limits.md has what each counts, and the test behind it. Three are told otherwise:
a memory or table that may not grow is -1 to the guest, which may go on; bytes beyond `buffered_bytes` wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from wasihost._base.errors import ConfigError, GuestTimeout, LimitError
from wasihost._base.frozen import Frozen

_TIMES: Final = ("run_time_s", "cpu_time_s")

LARGEST_VALUE: Final = (1 << 28) - 65536
"""A little below the largest block that the generated components can allocate."""
LARGEST_BUFFER: Final = 72 << 20
"""All blocks of the adapter component's memory: 1024 of 64 KiB and 8 of 1 MiB."""
BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "list_bytes": (1, LARGEST_VALUE),
    "values_in_flight_bytes": (1 << 16, 944 << 20),
    "buffered_bytes": (1 << 16, LARGEST_BUFFER),
    "stack_bytes": (1 << 16, 1 << 30),
}
"""The least and the greatest value, where that is not just any."""
_ANY: Final = (0, 1 << 40)


class Limits(Frozen):
    """Limits of each guest, with safe defaults. Errors: ConfigError, which names the limit."""

    run_time_s: float | None
    """Wall-clock seconds from the guest's first instruction, of a whole `Host.run` or of each call; None: no limit."""
    cpu_time_s: float | None
    """Seconds in which the guest, and what it calls of Python, computed, in an instance's life; None: no limit."""
    memory_bytes: int
    """Linear memories and the heap of garbage collected values of an instance, together."""
    total_memory_bytes: int
    """The same of all instances of a Host, and what values in flight take beside."""
    memories: int
    """Linear memories."""
    tables: int
    """Tables."""
    table_elements: int
    """Elements of each table."""
    instances: int
    """Core instances that a component consists of."""
    resources: int
    """Objects of providers that the guest holds."""
    streams: int
    """Ends of streams and futures that the host holds."""
    pending_calls: int
    """Calls under way: of the guest's, and of its exports."""
    list_bytes: int
    """One list of numbers, and all lists of numbers in a value that the guest gets."""
    values_in_flight_bytes: int
    """Values in flight."""
    buffered_bytes: int
    """Bytes of streams that the host holds for the guest."""
    stack_bytes: int
    """The guest's call stack."""
    component_bytes: int
    """The component's file."""
    world_parts: int
    """Functions, resources and parts of types that a component imports and exports; a case of a variant counts 5."""
    module_items: int
    """Globals and imports of one core module."""
    data_segments: int
    """Data segments of core modules, without those that adjoin and are merged."""
    async_components: int
    """Components of a composition that may call each other asynchronously: it can make Wasmtime 50 end the process."""

    def __init__(
        self,
        *,
        run_time_s: float | None = None,
        cpu_time_s: float | None = None,
        memory_bytes: int = 1 << 30,
        total_memory_bytes: int = 4 << 30,
        memories: int = 50,
        tables: int = 100,
        table_elements: int = 1_000_000,
        instances: int = 1000,
        resources: int = 100_000,
        streams: int = 50_000,
        pending_calls: int = 20_000,
        list_bytes: int = LARGEST_VALUE,
        values_in_flight_bytes: int = 512 << 20,
        buffered_bytes: int = LARGEST_BUFFER,
        stack_bytes: int = 512 << 10,
        component_bytes: int = 100 << 20,
        world_parts: int = 50_000,
        module_items: int = 50_000,
        data_segments: int = 12_000,
        async_components: int = 1,
    ) -> None:
        given = locals()
        super().__init__(*(_checked(name, given[name]) for name in self.__match_args__))

    @classmethod
    def parse(cls, limits: Iterable[str]) -> Limits:
        """From texts such as `run-time-s=10` and `memory-bytes=64MiB`; KiB, MiB and GiB are units of bytes."""
        from wasihost._base import limittext  # for command lines

        return cls(**limittext.parse(limits, cls.__match_args__, _TIMES))

    def reached(self, name: str, what: str, backtrace: Sequence[str] = ()) -> LimitError:
        """The error for a limit: what was too much, the limit, its value, and how to raise it; then the backtrace."""
        value = getattr(self, name)
        greatest = BOUNDS.get(name, _ANY)[1]
        advice = f"raise it with Limits({name}=...) or --limit {name.replace('_', '-')}=..."
        if value == greatest:
            advice = "which cannot be raised"
        cls = GuestTimeout if name in _TIMES else LimitError
        return cls(f"{what}: the limit {name} is {value}; {advice}", name, value, backtrace)


def _checked(name: str, value: Any) -> Any:
    if name in _TIMES:
        if value is None or (_is_number(value, (int, float)) and 0 < value <= 1e9):
            return value
        raise ConfigError(f"{name}: expected a number of seconds, more than 0 and at most 1e9, got {value!r}")
    least, greatest = BOUNDS.get(name, _ANY)
    if not _is_number(value, int) or not least <= value <= greatest:
        raise ConfigError(f"{name}: expected a whole number from {least} to {greatest}, got {value!r}")
    return value


def _is_number(value: Any, kinds: Any) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


DEFAULTS: Final = Limits()
