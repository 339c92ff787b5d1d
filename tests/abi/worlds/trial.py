"""A world and the values that are to go through it, as Hypothesis draws them and as a failure shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.abi.shapes import without_handles
from tests.abi.worlds.strategies import completed, worlds
from tests.abi.worlds.world import World
from tests.strategies import values
from wasihost._component.values import Classes
from wasihost._component.world import types
from wasihost._component.world.types import ValType

Elements: TypeAlias = dict[ValType | None, list[Any]]
"""What streams and futures of a payload carry, in turn."""


@dataclass(frozen=True)
class Sample:
    """What goes through one function, each handle being a number."""

    args: list[Any]
    result: Any


class Trial:
    def __init__(self, world: World, samples: dict[str, Sample], elements: Elements) -> None:
        self.world, self.samples, self.elements = world, samples, elements

    def __repr__(self) -> str:
        called = [(path, self.samples[path]) for path, _ in self.world.functions]
        lines = [f"{path}: {sample.args} -> {sample.result}" for path, sample in called]
        lines += [f"streams and futures of {p}: {self.elements[p]}" for p in self.world.payloads]
        return "\n".join(["", self.world.wit, *lines])


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    world, classes = draw(worlds()), Classes(types.Interface({}))

    def value(t: ValType | None) -> Any:
        return None if t is None else draw(values(without_handles(t), classes))

    samples = {
        path: Sample([value(t) for _, t in function.func.params], value(function.func.result))
        for path, function in world.functions
    }
    elements = {payload: [value(payload) for _ in range(3)] for payload in world.payloads}
    return Trial(draw(completed(world)), samples, elements)
