"""From the bytes of a component to one that runs: `adapt`."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

import wasmtime
from wasmtime.component import Linker

from wasihost._base.errors import ConfigError
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._base.pickling import OfOneProcess
from wasihost._base.quoting import some
from wasihost._component import ffi
from wasihost._component.cache import Cache
from wasihost._component.code import Code
from wasihost._component.instance import Instance
from wasihost._component.resources import ResourceTable
from wasihost._component.running.engine import check_compiles
from wasihost._component.running.loop import event_loop
from wasihost._component.running.options import RunOptions
from wasihost._component.values import Classes

if TYPE_CHECKING:  # to import wasihost shall not take the time of the machine
    from wasihost._component.running.images import Image
    from wasihost._component.running.linked import Linked
    from wasihost._component.running.store_machine import StoreMachine
    from wasihost._component.world.wiring import Wiring

MOST_FUEL = (1 << 64) - 1
_log = logging.getLogger("wasihost.providers")
LINKED = 4
"""How many kinds of providers a component keeps callbacks for; most have one."""


class Component(OfOneProcess):
    """A component together with its adapter, compiled at the latest when it is first opened; any number of times."""

    _instead = "pickle the path or the bytes and load them in the other process, fast with Host(cache=Cache())"

    def __init__(
        self,
        engine: wasmtime.Engine,
        wiring: Wiring,
        compiled: Code | Callable[[], tuple[Wiring, Code]],
        origin: str,
    ) -> None:
        self.engine = engine
        self._wiring = wiring
        self.origin = origin
        self._compiled = compiled
        self._linked: list[Linked] = []

    def __repr__(self) -> str:
        imports = some(self.imports) or "nothing"
        return f"<Component {self.origin}: imports {imports}; exports {some(self.exports) or 'nothing'}>"

    @property
    def imports(self) -> list[str]:
        """The names of the imported interfaces."""
        return list(self._wiring.world.imports)

    @cached_property
    def packages(self) -> frozenset[str]:
        """The names of their packages, without version."""
        return frozenset(name.partition("/")[0] for name in self.imports)

    @property
    def native(self) -> frozenset[str]:
        """Those of them that are left to the linker."""
        return frozenset(self._wiring.native)

    @property
    def exports(self) -> list[str]:
        """The names of the exported interfaces, and of the exported functions outside of any."""
        exports = self._wiring.world.exports
        return [export for name, items in exports.items() for export in ([name] if name else items.funcs)]

    def find_export(self, name: str) -> str:
        """The path of the function that `Instance.call` calls by this name. Errors: LookupError."""
        return self._wiring.find(name).path

    def check(self, providers: Mapping[str, object]) -> None:
        """Checks that these providers serve all that it imports. Errors: LinkError, which lists everything missing."""
        from wasihost._component.running.imports.linking import Linking

        Linking(self._wiring, providers)

    @property
    def is_compiled(self) -> bool:
        """Whether the compiled code is there, so that opening takes little time."""
        return isinstance(self._compiled, Code)

    def compile(self) -> Code:
        """The compiled code, which is made the first time. Errors: ComponentError; ForkError, see `configure`."""
        if not isinstance(self._compiled, Code):
            self._wiring, self._compiled = self._compiled()
        return self._compiled

    @cached_property
    def _export_classes(self) -> dict[str, Classes]:
        """The generated classes of each exported interface, which all instances share."""
        return {name: Classes(self._wiring.world.exported(name)) for name in self._wiring.world.exports}

    def _linked_with(self, providers: Mapping[str, object], linker: Linker | None) -> Linked:
        """All that does not depend on which objects the providers are, only on their classes."""
        found = self._defined_by(linker)
        for linked in self._linked:
            if linked.linking.fits(providers, found):
                return linked
        from wasihost._component.running.imports.linking import Linking
        from wasihost._component.running.linked import Linked

        if not self.is_compiled:
            Linking(self._wiring, providers, defined=found)  # before it takes long
        compiled = self.compile()
        linking = Linking(self._wiring, providers, self._export_classes, found)
        linked = Linked(compiled.component, self._images, self.engine, linking)
        for unused in linked.linking.unused:
            if unused.meant is not None:
                _log.warning("%s: %s", self.origin, unused)
        self._linked = [linked, *self._linked[: LINKED - 1]]
        return linked

    @cached_property
    def _images(self) -> Mapping[int, Image]:
        """What memories of its instances begin with, by the bytes with which they begin."""
        from wasihost._component.running.images import Image

        return {data.size: Image(data.start, data.data) for data in self.compile().data}

    def _defined_by(self, linker: Linker | None) -> frozenset[tuple[str, str]]:
        """The functions and resources, each with its interface, that an embedder's linker has."""
        if linker is None:
            return frozenset()
        from wasihost._component.running.imports.defined import defined

        return defined(linker, self._wiring)

    @cached_property
    def _counts_fuel(self) -> bool:
        """Whether its code counts fuel, and traps in a store that has none."""
        try:
            wasmtime.Store(self.engine).get_fuel()
        except wasmtime.WasmtimeError:
            return False
        return True

    def new_store(self, limits: Limits) -> wasmtime.Store:
        """A store for one instance. Errors: ConfigError."""
        store = wasmtime.Store(self.engine)
        ffi.limit(store, limits)
        if self._counts_fuel:
            store.set_fuel(MOST_FUEL if limits.fuel is None else min(limits.fuel, MOST_FUEL))
        elif limits.fuel is not None:
            raise ConfigError(
                f"{self.origin} was loaded without a limit of fuel, and its code counts none: load it with a Host that "
                "has one, or for an engine with consume_fuel"
            )
        return store

    def open(
        self,
        providers: Mapping[str, object],
        *,
        store: wasmtime.Store | None = None,
        linker: Linker | None = None,
        table: ResourceTable | None = None,
        options: RunOptions = RunOptions(),  # noqa: B008, which is immutable
    ) -> contextlib.AbstractAsyncContextManager[Instance]:
        """An instance, running on the current event loop until the context ends.

        `providers` by interface name, with or without version. `store` and `linker` are made unless given; both are
        used up. What the linker defines already is left to it, function by function: the interfaces in `native`, and
        others under the very names that the component imports. Functions that are async, or have streams, futures or
        lists of numbers, need a provider. The limits in `options` hold for a store that is made here.

        Errors, when the context is entered: LinkError, and those of instantiation.
        """
        return _Opening(lambda: self._machine(providers, store, linker, table, options), self.origin)

    def _machine(
        self,
        providers: Mapping[str, object],
        store: wasmtime.Store | None,
        linker: Linker | None,
        table: ResourceTable | None,
        options: RunOptions,
    ) -> StoreMachine:
        from wasihost._component.running.store_machine import StoreMachine

        linked = self._linked_with(providers, linker)
        if store is None:
            store = self.new_store(options.limits)
        if linker is None:
            linker = linked.linker
        else:
            linked.register(linker)
        table = ResourceTable(options.limits.resources) if table is None else table
        return StoreMachine(linked, providers, store, linker, table, options)


class _Opening(contextlib.AbstractAsyncContextManager[Instance]):
    """An instance while entered. A generator would cost as much as what it opens has in parts of ours."""

    def __init__(self, make: Callable[[], StoreMachine], origin: str) -> None:
        self._make = make
        self._origin = origin

    async def __aenter__(self) -> Instance:
        event_loop.running()
        machine = self._machine = self._make()
        try:
            await machine.start()
        except BaseException as error:
            await machine.close_because_of(error)
            raise
        return Instance(machine, self._origin)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        machine = self._machine
        if error is None:
            await machine.close()
        else:
            await machine.close_because_of(error)


def wiring_of(component: Component) -> Wiring:
    """All of its imports and exports, with their types: for the command line, no part of the public interface."""
    return component._wiring


def adapt(
    engine: wasmtime.Engine,
    wasm: bytes,
    *,
    native: Callable[[str], bool] = lambda _: False,
    in_order: Iterable[str] = (),
    windowed: Iterable[str] = (),
    for_linker: bool = False,
    origin: str = "the component",
    cache: Cache | None = None,
    limits: Limits = DEFAULTS,
) -> Component:
    """Compiles a component that needs async functions, streams or futures from Python, unless `cache` has it.

    `engine` must be made with a config that went through `configure`. Interfaces for which `native` is true are left to
    the linker. `in_order` names functions, by path, that must come after all that the guest did before with streams; a
    path with a version means the compatible versions, one without means every version. `windowed` names interfaces, in
    the same way, whose lists of bytes may go through a window inside of the guest. `for_linker`: a linker may define
    functions by itself, as `Component.open` says. Errors: ComponentError, UnsupportedTypeError, LimitError; `origin`
    names the bytes in them; ForkError, see `configure`.
    """
    adapted = reflect(
        engine,
        wasm,
        native=native,
        in_order=in_order,
        windowed=windowed,
        for_linker=for_linker,
        origin=origin,
        cache=cache,
        limits=limits,
    )
    adapted.compile()
    return adapted


def reflect(
    engine: wasmtime.Engine,
    wasm: bytes,
    *,
    native: Callable[[str], bool],
    in_order: Iterable[str],
    windowed: Iterable[str],
    for_linker: bool,
    origin: str,
    cache: Cache | None,
    limits: Limits,
) -> Component:
    """As `adapt`, but not compiled yet, unless `cache` has it. Errors: the same."""
    if len(wasm) > limits.component_bytes:
        raise limits.reached("component_bytes", f"{origin} has {len(wasm)} bytes")
    check_compiles(engine)
    order = frozenset(in_order)
    wanted = frozenset(windowed)

    def fresh() -> Component:
        from wasihost._component import compilation  # a component from a cache needs none of it

        wiring, compiled = compilation.prepare(engine, wasm, native, order, wanted, for_linker, origin, limits)
        return Component(engine, wiring, compiled, origin)

    if cache is None:
        return fresh()
    from wasihost._component import entries  # json and hashlib, needed for a cache only

    key = entries.key(engine, order, wanted, for_linker, limits, wasm)

    def kept() -> tuple[Wiring, Code] | None:
        entry = cache.get(key)
        return None if entry is None else entries.unpack(engine, order, native, entry)

    if (found := kept()) is not None:
        return Component(engine, *found, origin)
    reflected = fresh()

    def compiled() -> tuple[Wiring, Code]:
        with cache.lock(key):
            if (found := kept()) is not None:  # another process compiled it meanwhile
                return found
            component = reflected.compile()
            cache.put(key, entries.pack(reflected._wiring, component))
            return reflected._wiring, component

    return Component(engine, reflected._wiring, compiled, origin)
