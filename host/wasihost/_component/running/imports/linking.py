"""Puts the functions of a world's imports into a wasmtime `Linker`, once for all instances with providers alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wasmtime.component import Linker, LinkerInstance

from wasihost._base.errors import LinkError
from wasihost._component import ffi
from wasihost._component.conversion.handles import HostResource
from wasihost._component.conversion.numbers import Shared
from wasihost._component.conversion.plans import FunctionPlans, Plans
from wasihost._component.running.imports import callbacks
from wasihost._component.running.imports.callbacks import Conclude, Contexts
from wasihost._component.running.imports.defined import NOTHING, Defined, conflicts, left
from wasihost._component.running.imports.kits import LateProviders
from wasihost._component.running.imports.missing import Unused, described, unused
from wasihost._component.running.imports.providers import Method, Shape, find_method, resource_class
from wasihost._component.running.imports.window import concluding
from wasihost._component.running.store_context import Bind
from wasihost._component.values import Classes
from wasihost._component.world import types, versions
from wasihost._component.world.wiring import Wiring

# Numbers of host resource types are told apart only within a store; these stay clear of an embedder's own small ones.
_FIRST_NUMBER = 0x7761_0000


class Linking:
    """The providers of a world's imports, checked: every function has a method, every resource a class.

    It keeps none of them, and holds for all others that it `fits`. `export_classes` are the generated classes of each
    exported interface; functions and resources `defined` by an embedder's linker need no provider.

    Errors: LinkError, one for all that is missing.
    """

    def __init__(
        self,
        wiring: Wiring,
        providers: Mapping[str, object],
        export_classes: Mapping[str, Classes] | None = None,
        defined: Defined = NOTHING,
    ) -> None:
        self.wiring = wiring
        self.defined = defined
        self.export_classes = export_classes or {}
        self.resources: dict[types.Resource, HostResource] = {}
        self.methods: dict[tuple[str, str], Method] = {}
        self.classes: dict[str, Classes] = {}
        self.plans: dict[str, Plans] = {}
        given, self._made = _given_and_made(providers)
        self._given = list(given)
        self._served: dict[str, str] = {}
        self._shapes: dict[str, Shape] = {}  # of those that were given
        missing: dict[str, types.Interface] = {}
        problems: list[str] = []
        for name, whole in wiring.imports.items():
            interface = left(name, whole, defined) if defined else whole
            resources = _resources(interface) if name else wiring.world.root_resources
            if name not in wiring.native and (interface.funcs or resources):
                served = versions.serving(name, providers)
                if served is None:
                    missing[name] = interface
                else:
                    self._served[name] = served
            if defined:
                problems += conflicts(name, whole, defined)
        problems += described(missing)
        self.unused = self._unused(missing, isinstance(providers, LateProviders))
        for name, served in self._served.items():
            try:
                self._learn(name, providers[served])
            except LinkError as error:
                problems.append(str(error))
        if problems:
            raise LinkError(*problems, *map(str, self.unused))

    def _unused(self, missing: Mapping[str, types.Interface], is_own: bool) -> list[Unused]:
        """The given providers that serve nothing; if those are not an embedder's own only, which others may be meant
        to."""
        if not self._given:
            return []
        imports = list(self.wiring.imports)
        found = unused(self._given, imports, imports if is_own else list(missing))
        return [each for each in found if is_own or each.meant is not None]

    def _learn(self, name: str, provider: object) -> None:
        interface = left(name, self.wiring.imports[name], self.defined)
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
        passages = self.wiring.passages.get(name, {})
        for func_name, func in interface.funcs.items():
            self.methods[name, func_name] = find_method(provider, name, func_name, func, passages.get(func_name))
        if self._served[name] not in self._made:
            self._shapes[name] = Shape(provider, interface)

    def fits(self, providers: Mapping[str, object], defined: Defined = NOTHING) -> bool:
        """Whether all of this holds for these providers too, beside a linker that defines this."""
        given, made = _given_and_made(providers)
        if defined != self.defined or made != self._made or list(given) != self._given:
            return False
        return all(shape.fits(given[self._served[name]]) for name, shape in self._shapes.items())

    def call_of(self, method: Method, providers: Mapping[str, object]) -> Callable[..., Any]:
        """What to call for a function, of providers that it fits."""
        return method.of(providers[self._served[method.interface]])

    def plans_of(self, classes: Classes, lists: Shared | None = None) -> Plans:
        """Plans for values of these classes, with the resources of the whole world."""
        return Plans(classes, self.resources, self.wiring.guest_resources, lists)


def _given_and_made(providers: Mapping[str, object]) -> tuple[Mapping[str, object], Mapping[str, type]]:
    """The providers that an embedder gave, and the classes of those that are made for each guest."""
    return (providers.kit.given, providers.kit.classes) if isinstance(providers, LateProviders) else (providers, {})


def _resources(interface: types.Interface) -> dict[str, types.Resource]:
    return {name: t for name, t in interface.types.items() if isinstance(t, types.Resource)}


class Registrar:
    """Registers callbacks in a linker, and in `binds`, by their names, what makes the functions that they call.

    `bind_method` makes that of a provider's method. `can_suspend`: the instances wait for a provider that waits in a
    sync-typed function.
    """

    def __init__(
        self,
        linker: Linker,
        contexts: Contexts,
        binds: dict[str, Bind],
        bind_method: Callable[[Method], Bind],
        can_suspend: bool,
    ) -> None:
        self.linker = linker
        self._contexts = contexts
        self._binds = binds
        self._bind_method = bind_method
        self._can_suspend = can_suspend

    def add_direct(self, linking: Linking) -> None:
        """Registers the resources and direct functions of every interface that has a provider."""
        with self.linker.root() as root:
            for name, plans in linking.plans.items():
                interface = left(name, linking.wiring.imports[name], linking.defined)
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
                instance, name, linking.resources[resource].number, callbacks.destructor(self._contexts, name)
            )
        for method in methods:
            bind = self._bind_method(method)
            conclude = concluding(method)
            self.add(instance, method.name, method.path, method.func, plans, bind, method.may_wait, conclude=conclude)

    def add(
        self,
        instance: LinkerInstance,
        name: str,
        path: str,
        func: types.Func,
        plans: FunctionPlans,
        bind: Bind,
        may_wait: bool = False,
        takes_words: bool = False,
        conclude: Conclude = callbacks.result_of,
    ) -> None:
        """Registers a Python function. On Wasmtime's side its parameters are words if it `takes_words`, see `Plans`.

        If it `may_wait`, and returns an awaitable, `conclude` makes the result of what was awaited.
        """
        key = self._bound(f"{name} of {path}", bind)
        if may_wait and self._can_suspend:
            suspending = callbacks.suspending_callback(self._contexts, key, path, func, plans, takes_words, conclude)
            ffi.add_func_async(instance, name, suspending)
        else:
            ffi.add_func(instance, name, callbacks.callback(self._contexts, key, path, func, plans, takes_words))

    def add_finish(
        self, instance: LinkerInstance, name: str, path: str, func: types.Func, plans: FunctionPlans, bind: Bind
    ) -> None:
        """Registers what gives the result of a call that began before, see `callbacks.finishing_callback`."""
        key = self._bound(f"{name} of {path}", bind)
        ffi.add_func(instance, name, callbacks.finishing_callback(self._contexts, key, path, func, plans))

    def add_bare(self, instance: LinkerInstance, name: str, bind: Bind) -> None:
        """Registers a Python function without parameters and result."""
        ffi.add_func(instance, name, callbacks.bare_callback(self._contexts, self._bound(name, bind)))

    def add_value(self, instance: LinkerInstance, name: str, bind: Bind) -> None:
        """Registers what gives a C value, which a Python function has in a buffer."""
        ffi.add_func(instance, name, callbacks.handing_over(self._contexts, self._bound(name, bind)))

    def _bound(self, key: str, bind: Bind) -> str:
        self._binds[key] = bind
        return key
