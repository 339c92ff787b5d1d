"""Which exports can be tasks: those whose parameters and results are values."""

from __future__ import annotations

from wasihost._base.errors import UnsupportedTypeError
from wasihost._base.quoting import line
from wasihost._component.adapt import Component, wiring_of
from wasihost._component.world import types

_STAYS = {
    types.Stream: "a stream",
    types.Future: "a future",
    types.Own: "a resource",
    types.Borrow: "a resource",
}


def check_travels(component: Component, name: str) -> str:
    """The path of the export that a name means. Errors: LookupError, UnsupportedTypeError."""
    called = wiring_of(component).find(name)
    places = [*((f"the parameter {name}", t) for name, t in called.func.params), ("the result", called.func.result)]
    for place, t in places:
        for inner in types.walk(t) if t is not None else ():
            if type(inner) in _STAYS:
                what = _STAYS[type(inner)]
                raise UnsupportedTypeError(
                    line(
                        f"{called.path}: {place} has {what}, which stays in its process: a task takes and gives values"
                    )
                )
    return called.path
