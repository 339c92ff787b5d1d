"""What all instances of a component share that have providers alike: checks, plans, callbacks, and a linker of them.

Nothing here belongs to one instance, and nothing that a guest can write is here.
"""

from __future__ import annotations

from collections.abc import Mapping

import wasmtime
from wasmtime.component import Component, ExportIndex, Linker

from wasihost._component.composition.protocol import ADAPTER_HOST, DRIVER_HOST
from wasihost._component.conversion.plans import Plans
from wasihost._component.running.exports.calls import GuestFunctions
from wasihost._component.running.images import Image
from wasihost._component.running.imports import elements
from wasihost._component.running.imports.calls import HostFunctions
from wasihost._component.running.imports.linking import Linking, Registrar
from wasihost._component.running.imports.providers import Method
from wasihost._component.running.store_context import Bind, contexts
from wasihost._component.values import Classes
from wasihost._component.world import types
from wasihost._component.world.wiring import OPENED


class Linked:
    """A component whose imports have what they call; `binds` says what that is in one instance."""

    def __init__(
        self, component: Component, images: Mapping[int, Image], engine: wasmtime.Engine, linking: Linking
    ) -> None:
        self.component = component
        self.images = images
        self.drive = _export(component, "drive")
        self.linking = linking
        self.exports = GuestFunctions(linking)
        self.imports = HostFunctions(linking, self.exports.plans.of_elements)
        self.binds: dict[str, Bind] = {}
        self.linker = Linker(engine)
        self.register(self.linker)

    def register(self, linker: Linker) -> None:
        """Registers the callbacks in a linker, also in one that an embedder made."""
        linking = self.linking
        registrar = Registrar(linker, contexts, self.binds, _bind_method, can_suspend=True)
        registrar.add_direct(linking)
        plain = Plans(Classes(types.Interface({})), linking.resources, linking.wiring.guest_resources)
        with linker.root() as root:
            with root.add_instance(ADAPTER_HOST) as instance:
                registrar.add_bare(instance, "turn", lambda machine: machine.turn)
                registrar.add(instance, "opened", "opened", OPENED, plain, lambda machine: machine.guest_calls.opened)
                self.imports.register(instance, registrar, plain)
                elements.register(instance, registrar, linking, self.exports.plans.of_elements)
            with root.add_instance(DRIVER_HOST) as instance:
                self.exports.register(instance, registrar, plain)


def _bind_method(method: Method) -> Bind:
    return lambda machine: machine.call_of(method)


def _export(component: Component, name: str) -> ExportIndex:
    found = component.get_export_index(name)
    assert found is not None
    return found
