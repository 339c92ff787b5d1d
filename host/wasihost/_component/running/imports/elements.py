"""Elements of streams and futures that are no bytes: `take` gives them to the adapter component, `give` gets them.

Those of a stream are written into a block in their memory form instead, if they hold no handles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from wasmtime.component import LinkerInstance

from wasihost._component.conversion.numbers import Placer, SharedLists
from wasihost._component.conversion.plans import FunctionPlans
from wasihost._component.running.imports.linking import Linking, Registrar
from wasihost._component.running.imports.results import Results
from wasihost._component.running.streams.blocks import Block
from wasihost._component.running.streams.handles import discard
from wasihost._component.world import types
from wasihost._component.world.wiring import TOKEN, Adapted, Kind, carries_values, values_of

ExportPlans: TypeAlias = Callable[[str], FunctionPlans]
"""Gives the plans of an exported interface."""


class Placers(dict[int, Placer]):
    """What writes elements in their memory form, by the number of their kind, compiled when the first one comes.

    All instances share these.
    """

    def __init__(self, linking: Linking, exports: ExportPlans) -> None:
        self._linking = linking
        self._exports = exports

    def __missing__(self, number: int) -> Placer:
        kind = self._linking.wiring.kinds[number]
        _, plans = _path_and_plans(self._linking, kind, self._exports)
        found = self[number] = plans.list_to_memory(values_of(kind))
        return found


class Elements:
    """Those of one instance, by the token of the pump that moves them."""

    def __init__(self, results: Results, lists: SharedLists, placers: Placers) -> None:
        self._results = results
        self._lists = lists
        self._placers = placers
        self._values: dict[int, Sequence[Any]] = {}
        self._expected: dict[int, Callable[[list[Any]], None]] = {}

    def place(self, number: int, values: Sequence[Any], block: Block) -> tuple[int, int]:
        """Writes values of a kind without handles into a block; gives pointer and count.

        Errors: NoRoom; any other exception if they are not of the type, of which `take` says what is wrong.
        """
        self._lists.give_room(block.address, block.size)
        return self._placers[number](values, self._lists)

    def take_values(self, token: int, values: Sequence[Any]) -> None:
        """The next `take` of this token gives these values."""
        self._values[token] = values

    def take(self, token: int) -> Sequence[Any]:
        """The adapter component's `take`."""
        self._results.finish_none()
        return self._values.pop(token)

    def untaken_values(self, token: int, kind: Kind) -> None:
        """There will be no `take`: closes what these values hold."""
        for value in self._values.pop(token, ()):
            if kind.payload is not None:
                discard(kind.payload, value)

    def expect_values(self, token: int, callback: Callable[[list[Any]], None]) -> None:
        """The next `give` of this token calls back."""
        self._expected[token] = callback

    def give(self, token: int, values: list[Any]) -> None:
        """The adapter component's `give`."""
        self._expected.pop(token)(values)


def register(instance: LinkerInstance, registrar: Registrar, linking: Linking, exports: ExportPlans) -> None:
    """Registers `take` and `give` for every kind."""
    for number, kind in enumerate(linking.wiring.kinds):
        if not carries_values(kind):
            continue
        assert kind.payload is not None
        values = types.List(kind.payload)
        path, plans = _path_and_plans(linking, kind, exports)
        give_type = types.Func((*TOKEN, ("values", values)), None)
        registrar.add(instance, f"take-{number}", path, types.Func(TOKEN, values), plans, _take)
        registrar.add(instance, f"give-{number}", path, give_type, plans, _give)


def _path_and_plans(linking: Linking, kind: Kind, exports: ExportPlans) -> tuple[str, FunctionPlans]:
    """The functions that mention a kind, and its plans: its values are of the classes of the first one's interface."""
    functions = list(linking.wiring.mentioning(kind))
    first = functions[0]
    plans = linking.plans[first.interface] if isinstance(first, Adapted) else exports(first.interface)
    return " or ".join(function.path for function in functions), plans


def _take(machine: Any) -> Callable[..., Any]:
    take: Callable[..., Any] = machine.host_calls.elements.take
    return take


def _give(machine: Any) -> Callable[..., Any]:
    give: Callable[..., Any] = machine.host_calls.elements.give
    return give
