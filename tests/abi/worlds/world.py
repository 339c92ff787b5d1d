"""What a generated world is: interfaces with types, resources and functions, of which a guest can be made.

The guest exports each imported interface again. Each export calls the import of the same type with what it got and
gives what that gave, so that values go in and out of the guest both ways, whatever their types. These exports have no
types of their own: they use those of the imports. One interface more may be only exported, with resources that the
guest defines; its functions give back what they get.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from wasihost._commands.inspection import Homes, Mark, Printer
from wasihost._component.world import types
from wasihost._component.world.types import ValType

FILL = types.Tuple((types.U64,) * 17)
"""Makes parameters or results more than fit into flat values: they go through memory."""


class Way(enum.Enum):
    """How the guest does what a function is for."""

    STANDS = "stands still"
    """Lowered and lifted sync: the guest's code stands still meanwhile."""
    WAITS = "waits in a callback"
    """Lowered async, lifted with a callback."""
    PUMPS = "pumps"
    """Takes one stream or future and gives another; reads the elements of both and writes them."""
    MAKES = "makes it of a number"
    """Calls nothing: makes a resource of the guest's own."""
    TELLS = "tells that number"
    RETURNS = "gives back"
    """Calls nothing: gives back its parameters from `fill` on, as many as its result has."""


@dataclass(frozen=True)
class Function:
    name: str
    """In the import; the name of a method or the like has its form and resource, `[method]thing.get`."""
    export: str
    func: types.Func
    way: Way
    is_slow: bool = False
    """The provider's method is an `async def`."""

    @property
    def form(self) -> str:
        """`method`, `static` or `constructor`; '' outside of resources."""
        return self.name[1:].partition("]")[0] if self.name.startswith("[") else ""

    @property
    def owner(self) -> str:
        """The name of the resource that it belongs to; of no meaning outside of resources."""
        return self.name.partition("]")[2].partition(".")[0]


@dataclass(frozen=True)
class Interface:
    name: str
    named: dict[str, types.Resource | ValType] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    at_root: bool = False
    """What it exports stands outside of any interface."""

    @property
    def resources(self) -> dict[str, types.Resource]:
        return {name: t for name, t in self.named.items() if isinstance(t, types.Resource)}

    @property
    def items(self) -> types.Interface:
        """What a component has of it."""
        return types.Interface({**self.named, **{f.name: f.func for f in self.functions}})

    def path(self, function: Function) -> str:
        """What `Instance.call` calls it by."""
        return function.export if self.at_root else f"{self.name}#{function.export}"


@dataclass(frozen=True)
class World:
    interfaces: list[Interface]
    own: Interface | None = None
    """What the guest only exports, with resources of its own."""

    @property
    def everything(self) -> list[Interface]:
        return [*self.interfaces, *([] if self.own is None else [self.own])]

    @property
    def functions(self) -> list[tuple[str, Function]]:
        """All that can be called, by path."""
        return [
            (interface.path(function), function) for interface in self.everything for function in interface.functions
        ]

    @property
    def payloads(self) -> list[ValType | None]:
        """What streams and futures carry."""
        found = (inner for _, function in self.functions for t in function.func.types for inner in types.walk(t))
        return list(dict.fromkeys(t.payload for t in found if isinstance(t, types.Stream | types.Future)))

    @property
    def wit(self) -> str:
        """The world as WIT; the comments say what becomes of each function."""
        homes = Homes()
        lines: list[str] = []
        for interface in self.everything:
            word = "export" if interface is self.own else "import"
            lines += Printer(interface.name, interface.items, homes, _marks(interface, word)).lines(word)
        return "\n".join(lines)


def _marks(interface: Interface, word: str) -> Mark:
    found: dict[str, str] = {}
    for function in interface.functions:
        words = [f"exported as {interface.path(function)}"] if word == "import" else []
        words += [function.way.value, *(["slow"] if function.is_slow else [])]
        found[function.name] = ", ".join(words)
    return lambda _interface, name, _func: found[name]
