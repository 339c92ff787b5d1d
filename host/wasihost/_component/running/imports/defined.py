"""Finds the imports that an embedder's linker defines, and that are left to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import wasmtime
from wasmtime.component import Linker

from wasihost._component.world import types
from wasihost._component.world.types import Interface
from wasihost._component.world.wiring import Wiring, path_of

Defined: TypeAlias = frozenset[tuple[str, str]]
"""Functions and resources, each with its interface."""
NOTHING: Defined = frozenset()


def defined(linker: Linker, wiring: Wiring) -> Defined:
    """The direct functions and the resources among the imports that the linker defines, under the very same names.

    Wasmtime has no function that lists definitions. But a name cannot be defined twice, so this tries to define each as
    an empty module. Where that succeeds, the linker had no definition, and lets the name be defined again. Functions
    that the adapter component serves are left out: the guest does not import them from a linker.
    """
    linker.allow_shadowing = False
    empty = wasmtime.Module(linker.engine, b"\0asm\1\0\0\0")
    found = set()
    with linker.root() as root:
        for interface, items in wiring.imports.items():
            if interface and interface not in wiring.native:
                with root.add_instance(interface) as instance:
                    for name in _names(wiring, interface, items):
                        try:
                            instance.add_module(name, empty)
                        except wasmtime.WasmtimeError:
                            found.add((interface, name))
    linker.allow_shadowing = True
    return frozenset(found)


def _names(wiring: Wiring, interface: str, items: Interface) -> Iterator[str]:
    for name, item in items.items.items():
        if isinstance(item, types.Resource) or (isinstance(item, types.Func) and wiring.is_direct(interface, name)):
            yield name


def left(interface: str, items: Interface, found: Defined) -> Interface:
    """The part of an interface that providers have to serve."""
    return Interface({name: item for name, item in items.items.items() if (interface, name) not in found})


def conflicts(interface: str, items: Interface, found: Defined) -> Iterator[str]:
    """A line for each function that has resources of another origin: those of a linker's are no Python objects."""
    resources = {t: name for name, t in items.types.items() if isinstance(t, types.Resource)}
    for name, func in items.funcs.items():
        of_linker = (interface, name) in found
        for resource in _mentioned(func.types):
            if resource in resources and ((interface, resources[resource]) in found) != of_linker:
                one, other = ("linker", "provider") if of_linker else ("provider", "linker")
                yield (
                    f"{path_of(interface, name)}: it is the {one}'s, and the resource {resources[resource]} the "
                    f"{other}'s: the linker has to define both or neither"
                )


def _mentioned(ts: Iterable[types.ValType]) -> Iterator[types.Resource]:
    for t in ts:
        for inner in types.walk(t):
            if isinstance(inner, types.Own | types.Borrow):
                yield inner.resource
