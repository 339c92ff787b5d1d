"""Elements of streams and futures that are no bytes: `take` gives them to the adapter component, `give` gets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wasmtime.component import LinkerInstance

from wasihost._component.conversion.plans import FunctionPlans
from wasihost._component.running.imports.linking import Linking, Registrar
from wasihost._component.running.imports.results import Results
from wasihost._component.running.streams.handles import discard
from wasihost._component.world import types
from wasihost._component.world.wiring import TOKEN, Adapted, Kind, carries_values


class Elements:
    """Those of one instance, by the token of the pump that moves them."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._values: dict[int, Sequence[Any]] = {}
        self._expected: dict[int, Callable[[list[Any]], None]] = {}

    def take_values(self, token: int, values: Sequence[Any]) -> None:
        """The next `take` of this token gives these values."""
        self._values[token] = values

    def take(self, token: int) -> Sequence[Any]:
        """The adapter component's `take`."""
        self._results.finish_none()
        return self._values.pop(token)

    def untaken_values(self, token: int, kind: Kind) -> None:
        """There will be no `take`: closes what these values hold."""
        values = self._values.pop(token, ())
        if kind.payload is not None:
            discard(types.List(kind.payload), values)

    def expect_values(self, token: int, callback: Callable[[list[Any]], None]) -> None:
        """The next `give` of this token calls back."""
        self._expected[token] = callback

    def give(self, token: int, values: list[Any]) -> None:
        """The adapter component's `give`."""
        self._expected.pop(token)(values)


def register(
    instance: LinkerInstance, registrar: Registrar, linking: Linking, exports: Callable[[str], FunctionPlans]
) -> None:
    """Registers `take` and `give` for every kind; `exports` gives the plans of an exported interface."""
    wiring = linking.wiring
    for number, kind in enumerate(wiring.kinds):
        if not carries_values(kind):
            continue
        assert kind.payload is not None
        values = types.List(kind.payload)
        functions = list(wiring.mentioning(kind))
        path = " or ".join(function.path for function in functions)
        # The values are of the classes of the first interface that mentions the type.
        first = functions[0]
        plans = linking.plans[first.interface] if isinstance(first, Adapted) else exports(first.interface)
        give_type = types.Func((*TOKEN, ("values", values)), None)
        registrar.add(instance, f"take-{number}", path, types.Func(TOKEN, values), plans, _take)
        registrar.add(instance, f"give-{number}", path, give_type, plans, _give)


def _take(machine: Any) -> Callable[..., Any]:
    take: Callable[..., Any] = machine.host_calls.elements.take
    return take


def _give(machine: Any) -> Callable[..., Any]:
    give: Callable[..., Any] = machine.host_calls.elements.give
    return give
