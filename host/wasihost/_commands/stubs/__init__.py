"""Typed Python for a component: what `wasihost stubs` writes.

For each interface that it imports a Protocol to implement, for each that it exports a class to call, and the classes of
their types. A class that inherits from the Protocol hands its `wit_types` to the machine, and so does an object of an
exports class: the values that come are of the classes written here.

`naming` gives every name its Python form, `annotations` says what a type is, `classes` and `interfaces` write.
"""

from __future__ import annotations

from collections.abc import Callable

from wasihost._commands.stubs.interfaces import Writer
from wasihost._component.adapt import Component, wiring_of


def write(component: Component, title: str, left_out: Callable[[str], bool] = lambda _: False) -> str:
    """The text of a Python module, without the imported interfaces that are `left_out`."""
    return Writer(wiring_of(component), title, left_out).text()
