"""Puts guest, adapter component and driver component together into the one component that Wasmtime runs.

outer       imports the direct functions and resources of every interface, and the host's side of the two below
  adapter   async functions, streams, futures
  shim-N    one for each adapted interface: gives the functions their real names
  guest     the bytes as they came
  relay     reads futures that may be the adapter's own, if there can be any
  driver    `drive`, which is exported
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

import wasmtime

from wasihost._base.errors import InternalError
from wasihost._base.quoting import wat_string as quote
from wasihost._component.composition import adapter, driver, relay
from wasihost._component.composition.coremodule import Parts
from wasihost._component.composition.protocol import ADAPTER_HOST, DRIVER_HOST
from wasihost._component.composition.wat import TypeScope
from wasihost._component.world import binary, types
from wasihost._component.world.wiring import Wiring

_MARKER = '(func (export "guest"))'  # all of the core module in the guest's place


def compose(wiring: Wiring, guest: bytes) -> bytes:
    """The composed component: exports `drive`, imports the functions of Python and Wasmtime."""
    return binary.splice(_assembled(text(wiring)), bytes(wasmtime.wat2wasm(f"(module {_MARKER})")), guest)


def _assembled(text: str) -> bytes:
    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError as error:
        refused = str(error)
    raise InternalError(f"the generated text is wrong: {refused}")


def text(wiring: Wiring) -> str:
    """The text of the composed component, with a marker where the guest goes."""
    return _Composition(wiring).compose()


class Outer:
    """A component around others with the same imports, except for functions that are `adapted`."""

    def __init__(
        self,
        imports: Mapping[str, types.Interface],
        root_resources: Mapping[str, types.Resource],
        adapted: Container[tuple[str, str]] = (),
    ) -> None:
        self.imports = list(imports.items())
        self._root_resources = root_resources
        self._adapted = adapted
        self.scope = TypeScope()
        # Types are defined where they are first needed: the scope's lines are the component's lines.
        self.lines = self.scope.lines

    def text(self) -> str:
        """The text of the component, as far as it is written."""
        return "\n".join(["(component", *self.lines, ")"])

    def write_imports(self) -> None:
        """Imports the interfaces, and the items outside of any: resources before, and functions behind."""
        root = dict(self.imports).get("", types.Interface({}))
        self._import_root(root, self._root_resources)
        for index, (name, interface) in enumerate(self.imports):
            if name:
                self._import(index, name, interface)
        self._import_root(root, root.items.keys() - self._root_resources.keys())

    def _import(self, index: int, name: str, interface: types.Interface) -> None:
        """Imports one interface as far as it is direct."""
        inside = TypeScope(outer=self.scope)
        for item_name, item in interface.items.items():
            if not isinstance(item, types.Func):
                inside.export_item(item_name, item)
            elif (name, item_name) not in self._adapted:
                inside.lines.append(f"(export {quote(item_name)} {inside.func(item)})")
        self.import_instance(name, f"import-{index}", inside)
        for number, (type_name, t) in enumerate(interface.types.items()):
            symbol = f"$import-{index}-type-{number}"
            self.lines.append(f"(alias export $import-{index} {quote(type_name)} (type {symbol}))")
            if isinstance(t, types.Resource | types.Nominal) and not self.scope.knows(t):
                self.scope.know(t, symbol)

    def _import_root(self, root: types.Interface, names: Container[str]) -> None:
        """Imports the named items outside of any interface."""
        for number, (name, item) in enumerate(root.items.items()):
            if name not in names or ("", name) in self._adapted:
                continue
            symbol = f"$root-{number}"
            if isinstance(item, types.Func):
                t = self.scope.symbol()
                self.lines.append(f"(type {t} {self.scope.func(item)})")
                self.lines.append(f"(import {quote(name)} (func {symbol} (type {t})))")
            else:
                new = isinstance(item, types.Resource) and not self.scope.knows(item)
                bound = "(sub resource)" if new else f"(eq {self.scope.definition(item)})"
                self.lines.append(f"(import {quote(name)} (type {symbol} {bound}))")
                self.scope.know(item, symbol)

    def import_instance(self, name: str, symbol: str, scope: TypeScope) -> None:
        """Imports an instance of the type that a scope has."""
        self.lines += [f"(import {quote(name)} (instance ${symbol}", *scope.lines, "))"]

    def function(self, instance: str, name: str) -> str:
        """The symbol of a function that an instance exports."""
        symbol = self.scope.symbol()
        self.lines.append(f"(alias export ${instance} {quote(name)} (func {symbol}))")
        return symbol


class _Composition(Outer):
    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.adapted = {(f.interface, f.name): f for f in wiring.adapted}
        super().__init__(wiring.imports, wiring.world.root_resources, self.adapted)

    def compose(self) -> str:
        self.write_imports()
        self._adapter()
        self._guest()
        if self.wiring.relayed:
            self._relay()
        self._driver()
        return self.text()

    def _import_host(self, name: str, symbol: str, parts: Parts, inside: Container[str] = ()) -> None:
        """Imports Python's functions for the adapter or driver component: all of its needs except those `inside`."""
        scope = TypeScope(outer=self.scope, naming=True)
        for need, func in parts.needs.items():
            if need not in inside:
                scope.lines.append(f"(export {quote(need)} {scope.func(func)})")
        self.import_instance(name, symbol, scope)

    # ---- instances

    def _instantiate(self, name: str, parts: Parts, argument: Callable[[str], str]) -> None:
        """Instantiates component `name` with the types and functions it needs; `argument` gives a function's symbol."""
        supplied = [f"(export {quote(t)} (type {self.scope.ref(of)}))" for t, of in parts.imported.named.items()]
        supplied += [f"(export {quote(need)} (func {argument(need)}))" for need in parts.needs]
        self.lines.append(f'(instance ${name} (instantiate ${name} (with "host" (instance {" ".join(supplied)}))))')

    def _adapter(self) -> None:
        text, parts = adapter.generate(self.wiring)
        self._import_host(ADAPTER_HOST, "adapter-host", parts)
        self.lines.append(text)
        self._instantiate("adapter", parts, lambda need: self.function("adapter-host", need))

    def _relay(self) -> None:
        text, parts = relay.generate(self.wiring)
        self.lines.append(text)
        self._instantiate("relay", parts, lambda need: self.function("adapter-host", need))

    def _driver(self) -> None:
        text, parts = driver.generate(self.wiring)
        exports = {f"export-{called.index}": called for called in self.wiring.called}
        of_adapter = {"step", "reader"} | {
            f"{word}-{number}" for word in ("open", "adopt") for number in self.wiring.exchanged
        }
        of_relay = {f"await-{number}" for number in self.wiring.relayed}
        self._import_host(DRIVER_HOST, "driver-host", parts, {*of_adapter, *of_relay, *exports})
        instances = self._guest_exports()

        def argument(need: str) -> str:
            if need in of_adapter:
                return self.function("adapter", need)
            if need in of_relay:
                return self.function("relay", need)
            if called := exports.get(need):
                return self.function(instances[called.interface], called.name)
            return self.function("driver-host", need)

        self.lines.append(text)
        self._instantiate("driver", parts, argument)
        self.lines.append('(alias export $driver "drive" (func $drive)) (export "drive" (func $drive))')

    # ---- the guest

    def _guest(self) -> None:
        arguments = [
            f"(with {quote(name)} {argument})"
            for index, (interface_name, interface) in enumerate(self.imports)
            for name, argument in self._guest_arguments(index, interface_name, interface)
        ]
        self.lines.append(f"(component $guest (core module {_MARKER}))")
        self.lines.append(f"(instance $guest (instantiate $guest {' '.join(arguments)}))")

    def _guest_arguments(self, index: int, name: str, interface: types.Interface) -> list[tuple[str, str]]:
        if name == "":
            return [(item, self._root_argument(n, item, t)) for n, (item, t) in enumerate(interface.items.items())]
        if not any((name, func) in self.adapted for func in interface.funcs):
            return [(name, f"(instance $import-{index})")]
        self._shim(index, name, interface)
        return [(name, f"(instance $shim-{index})")]

    def _root_argument(self, number: int, name: str, item: types.Item) -> str:
        if not isinstance(item, types.Func):
            return f"(type $root-{number})"
        if adapted := self.adapted.get(("", name)):
            return f"(func {self.function('adapter', f'call-{adapted.index}')})"
        return f"(func $root-{number})"

    def _shim(self, index: int, interface_name: str, interface: types.Interface) -> None:
        lines, parts, names = shim(f"$shim-{index}", interface)
        self.lines += lines

        def argument(plain: str) -> str:
            if adapted := self.adapted.get((interface_name, names[plain])):
                return self.function("adapter", f"call-{adapted.index}")
            return self.function(f"import-{index}", names[plain])

        self._instantiate(f"shim-{index}", parts, argument)

    def _guest_exports(self) -> dict[str, str]:
        """The symbols of the instances that the guest exports; learns the resource types it defines."""
        instances: dict[str, str] = {}
        exports = self.wiring.world.exports
        for number, (name, interface) in enumerate(exports.items()):
            instances[name] = f"guest-export-{number}" if name else "guest"
            if name:
                self.lines.append(f"(alias export $guest {quote(name)} (instance ${instances[name]}))")
            for item, t in interface.types.items():
                if t in self.wiring.guest_resources and not self.scope.knows(t):
                    symbol = self.scope.symbol()
                    self.lines.append(f"(alias export ${instances[name]} {quote(item)} (type {symbol}))")
                    self.scope.know(t, symbol)
        return instances


def shim(symbol: str, interface: types.Interface) -> tuple[list[str], Parts, dict[str, str]]:
    """A component that imports the types and functions of an interface under plain names and exports them under the
    real ones: an instance made in place may not have names such as `[method]tcp-socket.connect`.

    Its text, its needs, and the real name of each plain one.
    """
    parts = Parts()
    for t in interface.types.values():
        parts.imported.ref(t)
    names = {f"f{number}": name for number, name in enumerate(interface.funcs)}
    for plain, name in names.items():
        parts.need(plain, interface.funcs[name])
    parts.begin()
    scope = parts.scope
    exported: set[types.Resource | types.ValType] = set()
    for number, (name, t) in enumerate(interface.types.items()):
        # An export must be spelled in terms of exports: a definition of its own.
        source = scope.ref(t) if isinstance(t, types.Resource) else scope.definition_anew(t)
        scope.lines.append(f"(export $type-{number} {quote(name)} (type {source}))")
        # By its first name, as in `TypeScope.export_item`.
        if isinstance(t, types.Resource | types.Nominal) and t not in exported:
            exported.add(t)
            scope.know(t, f"$type-{number}")
    for plain, name in names.items():
        ascription = scope.func(interface.funcs[name])
        scope.lines.append(f'(alias export $imports "{plain}" (func ${plain}))')
        scope.lines.append(f"(export {quote(name)} (func ${plain}) {ascription})")
    return [f"(component {symbol}", *parts.import_lines, *scope.lines, ")"], parts, names
