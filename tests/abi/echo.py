"""Generates guests that give back whatever they get, by way of the host: a round trip through both halves of the
canonical ABI.

For a list of types the guest imports `test:echo/host`, and exports a function of its own beside each import, which
calls the import with what it got and returns what that gave. A small world, of which `worlds/guest.py` makes the guest.

    echo-N    func(x: T) -> T               sync all the way
    wait-N    func(x: T) -> T               sync, but the provider is an `async def`, or waits in every other call
    aecho-N   async func(x: T) -> T         lowered and lifted sync: the guest's code stands still meanwhile
    cecho-N   async func(x: T, fill) -> tuple<T, fill>
                                            lowered async, lifted with a callback; more than 16 flat values
    all       async func(x0: T0, x1: T1, …) -> tuple<T0, T1, …>
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.abi.worlds.guest import guest as world_guest
from tests.abi.worlds.strategies import nameable
from tests.abi.worlds.world import FILL, Function, Interface, Way, World
from wasihost._component.world import types
from wasihost._component.world.types import ValType

HOST = "test:echo/host"


@dataclass(frozen=True)
class Echo:
    """One function of the guest: imported and exported alike."""

    name: str
    func: types.Func
    waits: bool = False
    """Lowered async and lifted with a callback."""
    all: bool = False
    """Gives a tuple of all parameters, not the only one."""


def functions(ts: Sequence[ValType]) -> list[Echo]:
    """Every function of the guest for these types."""
    found = []
    for i, t in enumerate(ts):
        x = (("x", t),)
        found += [
            Echo(f"echo-{i}", types.Func(x, t)),
            Echo(f"wait-{i}", types.Func(x, t)),
            Echo(f"aecho-{i}", types.Func(x, t, True)),
            Echo(f"cecho-{i}", types.Func((*x, ("fill", FILL)), types.Tuple((t, FILL)), True), waits=True, all=True),
        ]
    params = tuple((f"x{i}", t) for i, t in enumerate(ts))
    return [*found, Echo("all", types.Func(params, types.Tuple(tuple(ts)), True), all=True)]


def guest(ts: Sequence[ValType]) -> str:
    """The text of the guest component."""
    echoes = functions(ts)
    named = {f"t{number}": t for number, t in enumerate(nameable(echo.func for echo in echoes))}
    passed_on = [Function(echo.name, echo.name, echo.func, Way.WAITS if echo.waits else Way.STANDS) for echo in echoes]
    return world_guest(World([Interface(HOST, named, passed_on, at_root=True)]))
