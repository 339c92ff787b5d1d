"""Puts providers into a wasmtime `Linker`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wasmtime.component import Linker, LinkerInstance

from wasihost._base.errors import LinkError
from wasihost._component import ffi
from wasihost._component.conversion.handles import HostResource
from wasihost._component.conversion.numbers import SharedNumbers
from wasihost._component.conversion.plans import FunctionPlans, Plans
from wasihost._component.running.imports import callbacks
from wasihost._component.running.imports.callbacks import Conclude
from wasihost._component.running.imports.missing import described
from wasihost._component.running.imports.providers import CallObserver, Method, Providers, find_method, resource_class
from wasihost._component.running.loop.suspension import Suspension
from wasihost._component.running.store_context import StoreContext
from wasihost._component.values import Classes
from wasihost._component.world import types
from wasihost._component.world.wiring import Wiring

# Numbers of host resource types are told apart only within a store; these stay clear of an embedder's own small ones.
_FIRST_NUMBER = 0x7761_0000


class Linking:
    """The providers of a world's imports, checked: every function has a method, every resource a class.

    `observer`, if given, is told of every call. `export_classes` are the generated classes of each exported interface,
    which all instances of a component share.

    Errors: LinkError, one for all that is missing.
    """

    def __init__(
        self,
        wiring: Wiring,
        providers: Providers,
        observer: CallObserver | None = None,
        export_classes: Mapping[str, Classes] | None = None,
    ) -> None:
        self.wiring = wiring
        self._observer = observer
        self.export_classes = export_classes or {}
        self.resources: dict[types.Resource, HostResource] = {}
        self.methods: dict[tuple[str, str], Method] = {}
        self.classes: dict[str, Classes] = {}
        self.plans: dict[str, Plans] = {}
        found: dict[str, object] = {}
        missing: dict[str, types.Interface] = {}
        for name, interface in wiring.world.imports.items():
            resources = _resources(interface) if name else wiring.world.root_resources
            if name not in wiring.native and (interface.funcs or resources):
                provider = providers.find(name)
                if provider is None:
                    missing[name] = interface
                else:
                    found[name] = provider
        problems = list(described(missing))
        for name, provider in found.items():
            try:
                self._learn(name, provider)
            except LinkError as error:
                problems.append(str(error))
        if problems:
            raise LinkError(*problems)

    def _learn(self, name: str, provider: object) -> None:
        interface = self.wiring.world.imports[name]
        for resource_name, resource in _resources(interface).items():
            if resource not in self.resources:
                number = _FIRST_NUMBER + len(self.resources)
                self.resources[resource] = HostResource(number, resource_class(provider, name, resource_name))
        try:
            classes = Classes(interface, getattr(provider, "wit_types", None))
        except LinkError as error:
            raise LinkError(f"{name}: {error}") from None
        self.classes[name] = classes
        self.plans[name] = self.plans_of(classes)
        for func_name, func in interface.funcs.items():
            method = find_method(provider, name, func_name, func)
            self.methods[name, func_name] = method if self._observer is None else method.observed(self._observer)

    def plans_of(self, classes: Classes, numbers: SharedNumbers | None = None) -> Plans:
        """Plans for values of these classes, with the resources of the whole world."""
        return Plans(classes, self.resources, self.wiring.guest_resources, numbers)


def _resources(interface: types.Interface) -> dict[str, types.Resource]:
    return {name: t for name, t in interface.types.items() if isinstance(t, types.Resource)}


class Registrar:
    """Registers callbacks in a linker.

    `suspend` is what a store does with a provider that waits in a sync-typed function; None where that is impossible.
    """

    def __init__(
        self, linker: Linker, context: StoreContext, suspend: Callable[[Suspension], None] | None = None
    ) -> None:
        self.linker = linker
        self.context = context
        self.suspend = suspend

    def add_direct(self, linking: Linking) -> None:
        """Registers the resources and direct functions of every interface that has a provider."""
        with self.linker.root() as root:
            for name, plans in linking.plans.items():
                interface = linking.wiring.world.imports[name]
                methods = [
                    linking.methods[name, func] for func in interface.funcs if linking.wiring.is_direct(name, func)
                ]
                if name:
                    with root.add_instance(name) as instance:
                        self._add_items(instance, linking, interface, methods, plans)
                else:
                    self._add_items(root, linking, interface, methods, plans)

    def _add_items(
        self,
        instance: LinkerInstance,
        linking: Linking,
        interface: types.Interface,
        methods: Iterable[Method],
        plans: Plans,
    ) -> None:
        for name, resource in _resources(interface).items():
            ffi.add_resource(
                instance, name, linking.resources[resource].number, callbacks.destructor(self.context, name)
            )
        for method in methods:
            self.add_method(instance, method.path.rpartition("#")[2], method, plans)

    def add_method(self, instance: LinkerInstance, name: str, method: Method, plans: FunctionPlans) -> None:
        """Registers a provider's method."""
        self.add(instance, name, method.path, method.func, plans, method.call, method.may_wait)

    def add(
        self,
        instance: LinkerInstance,
        name: str,
        path: str,
        func: types.Func,
        plans: FunctionPlans,
        call: Callable[..., Any],
        may_wait: bool = False,
        takes_words: bool = False,
        conclude: Conclude = callbacks.result_of,
    ) -> None:
        """Registers a Python function. On Wasmtime's side its parameters are words if it `takes_words`, see `Plans`.

        If it `may_wait`, and returns an awaitable, `conclude` makes the result of what was awaited.
        """
        if may_wait and self.suspend is not None:
            suspending = callbacks.suspending_callback(
                self.context, path, func, plans, call, self.suspend, takes_words, conclude
            )
            ffi.add_func_async(instance, name, suspending)
        else:
            made = callbacks.callback(self.context, path, func, plans, call, takes_words)
            ffi.add_func(instance, name, made)
