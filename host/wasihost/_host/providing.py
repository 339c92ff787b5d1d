"""The providers for the guests of a host: its own, and WASI's for the interfaces that those do not serve."""

from __future__ import annotations

from collections.abc import Container, Iterator

from wasihost._component.adapt import Component
from wasihost._component.running.imports.kits import Kit, LateProviders
from wasihost._host import native_wasip2
from wasihost._host.guest import Guest
from wasihost._host.settings import Settings
from wasihost._wasi import p2, p3
from wasihost._wasi.context import Maker


def kit_for(settings: Settings, component: Component) -> Kit:
    """The providers that a component can use: the others take time, also to import."""
    # Also with "native": for a component that another Host loaded for Python.
    of_wasip2 = settings.wasip2 is not None and any(map(native_wasip2.provides, component.imports))
    return _kit(settings, component.packages, of_wasip2)


def kit_of_all(settings: Settings) -> Kit:
    """The providers for any component."""
    return _kit(settings, {*p3.PACKAGES, *p2.PACKAGES}, settings.wasip2 is not None)


def providers_for(settings: Settings, kit: Kit) -> LateProviders:
    """The providers of a guest that does not run."""
    return LateProviders(kit, Guest(settings, "the component"))


def _kit(settings: Settings, packages: Container[str], of_wasip2: bool) -> Kit:
    makers = list(_makers(settings, packages, of_wasip2))
    return Kit(settings.providers, makers, Guest(settings, "the component"))


def _makers(settings: Settings, packages: Container[str], of_wasip2: bool) -> Iterator[Maker]:
    for name, make in p3.PACKAGES.items():
        if name in packages:
            yield make
    for name, make in p2.PACKAGES.items() if of_wasip2 else ():
        # Where WASI 0.2 is Wasmtime's own, so are its streams, and a request of HTTP needs ours.
        if name in packages and not (name == "wasi:http" and settings.wasip2 == "native"):
            yield make
