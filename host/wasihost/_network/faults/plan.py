"""A plan of faults, one after the other, as data; `fault` has the words."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from wasihost._base.errors import ConfigError
from wasihost._base.frozen import Frozen
from wasihost._network.faults.fault import FIELDS, Call, Fault


class Strikes(ABC):
    """The faults of one run, as they come."""

    @abstractmethod
    def on_call(self, call: Call, socket: int | None, nth: int, addresses: Sequence[str]) -> Sequence[Fault]:
        """Those that strike a call, the `nth` of its kind on that socket, or of all where there is none."""

    @abstractmethod
    def on_stream(
        self, call: Call, socket: int, offset: int, addresses: Sequence[str]
    ) -> tuple[Sequence[Fault], int | None]:
        """Those that strike after so many bytes, and after how many the next may do so."""

    @abstractmethod
    def on_file(self, call: Call, nth: int, paths: Sequence[str]) -> tuple[Sequence[Fault], int | None]:
        """Those that strike a call on files, the `nth` of its kind, and how many bytes may go before the next may."""

    @abstractmethod
    def moved(self, call: Call, paths: Sequence[str], count: int) -> None:
        """So many bytes were read or written by such a call."""


class FaultPlan(Frozen):
    """Faults, in any order; those that strike the same call do so together."""

    faults: tuple[Fault, ...]

    def __init__(self, *faults: Fault) -> None:
        for position, fault in enumerate(faults, 1):
            if not isinstance(fault, Fault):
                raise ConfigError(f"fault {position} of the plan: expected a Fault, got {fault!r}")
        super().__init__(faults)

    @classmethod
    def parse(cls, text: str) -> FaultPlan:
        """From JSON: an array with an object for each fault, whose fields are those of `Fault`. Errors: ConfigError."""
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"the plan is not JSON: {error}") from None
        if not isinstance(entries, list):
            raise ConfigError(f"the plan: expected an array of faults, got {entries!r}")
        return cls(*(_parsed(position, entry) for position, entry in enumerate(entries, 1)))

    def to_json(self) -> str:
        """As `parse` reads it, with a fault on each line."""
        lines = [json.dumps({"on": fault.on, "do": fault.do, **fault.options()}) for fault in self.faults]
        return "[" + ",".join(f"\n  {line}" for line in lines) + "\n]" if lines else "[]"

    def begin(self) -> Strikes:
        """A run of it, from the beginning."""
        return _PlannedStrikes(self.faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)

    def __len__(self) -> int:
        return len(self.faults)

    def __repr__(self) -> str:
        return "FaultPlan(" + "".join(f"\n    {fault!r}," for fault in self.faults) + ("\n)" if self.faults else ")")


def _parsed(position: int, entry: object) -> Fault:
    where = f"fault {position} of the plan"
    if not isinstance(entry, dict) or not {"on", "do"} <= entry.keys():
        raise ConfigError(f"{where}: expected an object with the fields on and do, got {entry!r}")
    if unknown := entry.keys() - set(FIELDS):
        raise ConfigError(f"{where}: unknown fields {', '.join(sorted(unknown))}; expected {', '.join(FIELDS)}")
    try:
        return Fault(**entry)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


class _Planned:
    """A fault of a plan: how many calls it matched, and how many bytes of files they moved."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.calls = 0
        self.bytes = 0


class _PlannedStrikes(Strikes):
    def __init__(self, faults: Sequence[Fault]) -> None:
        self._planned = [_Planned(fault) for fault in faults]

    def on_call(self, call: Call, socket: int | None, nth: int, addresses: Sequence[str]) -> Sequence[Fault]:
        struck = []
        for each in self._matching(call, socket, addresses):
            each.calls += 1
            if each.fault.nth in (None, each.calls):
                struck.append(each.fault)
        return struck

    def on_file(self, call: Call, nth: int, paths: Sequence[str]) -> tuple[Sequence[Fault], int | None]:
        counted = {}
        for each in self._matching(call, None, paths):
            if each.fault.after_bytes is not None:
                counted[each.fault] = each.fault.after_bytes - each.bytes
        struck = [fault for fault in self.on_call(call, None, nth, paths) if not counted.get(fault)]
        return struck, min((left for left in counted.values() if left > 0), default=None)

    def moved(self, call: Call, paths: Sequence[str], count: int) -> None:
        for each in self._matching(call, None, paths):
            each.bytes += count

    def _matching(self, call: Call, socket: int | None, names: Sequence[str]) -> list[_Planned]:
        return [each for each in self._planned if each.fault.matches(call, socket, names)]

    def on_stream(
        self, call: Call, socket: int, offset: int, addresses: Sequence[str]
    ) -> tuple[Sequence[Fault], int | None]:
        matching = [each.fault for each in self._matching(call, socket, addresses)]
        later = [
            fault.after_bytes for fault in matching if fault.after_bytes is not None and fault.after_bytes > offset
        ]
        return [fault for fault in matching if fault.after_bytes in (None, offset)], min(later, default=None)
