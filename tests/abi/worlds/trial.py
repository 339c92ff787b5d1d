"""A world and the values that are to go through it, as Hypothesis draws them and as a failure shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.abi.shapes import without_handles
from tests.abi.worlds.strategies import worlds
from tests.abi.worlds.world import World
from tests.strategies import values
from wasihost.component.values import Classes
from wasihost.component.world import types
from wasihost.component.world.types import ValType

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
        lines = [f"{path}: {sample.args} -> {sample.result}" for path, sample in self.samples.items()]
        lines += [f"streams and futures of {payload}: {found}" for payload, found in self.elements.items()]
        return "\n".join(["", self.world.wit, *lines])


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    world, classes = draw(worlds()), Classes(types.Interface({}))

    def value(t: ValType | None) -> Any:
        return None if t is None else draw(values(without_handles(t), classes))

    samples, elements = {}, {}
    for interface in world.everything:
        for function in interface.functions:
            args = [value(t) for _, t in function.func.params]
            samples[interface.path(function)] = Sample(args, value(function.func.result))
            for t in function.func.types:
                for kind in types.walk(t):
                    if isinstance(kind, types.Stream | types.Future) and kind.payload not in elements:
                        elements[kind.payload] = [value(kind.payload) for _ in range(3)]
    return Trial(world, samples, elements)
