"""From the bytes of a component to one that runs: `adapt`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import wasmtime
from wasmtime.component import Component, Linker

from wasihost.component.cache import Cache
from wasihost.component.resources import ResourceTable
from wasihost.component.running.instance import Instance
from wasihost.component.running.linking import Linking
from wasihost.component.running.providers import Providers
from wasihost.component.world.wiring import Wiring


class AdaptedComponent:
    """A component compiled together with its adapter; can be opened any number of times."""

    def __init__(self, engine: wasmtime.Engine, wiring: Wiring, component: Component) -> None:
        self.engine, self.wiring, self.component = engine, wiring, component

    @contextlib.asynccontextmanager
    async def open(
        self,
        providers: Mapping[str, object],
        *,
        store: wasmtime.Store | None = None,
        linker: Linker | None = None,
        table: ResourceTable | None = None,
        detect_deadlock: bool = False,
    ) -> AsyncIterator[Instance]:
        """An instance, running on the current event loop until the context ends.

        `providers` by interface name, with or without version. `store` and `linker` are made unless given; the linker
        may hold what the interfaces in `native` need; both are used up. Errors: LinkError, and those of
        instantiation.
        """
        linking = Linking(self.wiring, Providers(providers))
        store = wasmtime.Store(self.engine) if store is None else store
        linker = Linker(self.engine) if linker is None else linker
        table = ResourceTable() if table is None else table
        instance = Instance(self.component, self.wiring, linking, store, linker, table, detect_deadlock=detect_deadlock)
        try:
            await instance.start()
            yield instance
        except BaseException as error:
            try:
                await instance.close()
            except Exception as another:
                error.add_note(f"and closing the instance raised {another!r}")
            raise
        await instance.close()


def adapt(
    engine: wasmtime.Engine,
    wasm: bytes,
    *,
    native: Callable[[str], bool] = lambda _: False,
    in_order: Iterable[str] = (),
    origin: str = "the component",
    cache: Cache | None = None,
) -> AdaptedComponent:
    """Compiles a component that needs async functions, streams or futures from Python, unless `cache` has it.

    `engine` must be made with a config that went through `configure`. Interfaces for which `native` is true are left
    to the linker. `in_order` names functions, by path without version, that must come after all that the guest did
    before with streams. Errors: ComponentError, UnsupportedTypeError; `origin` says in them what the bytes are.
    """
    # Imported where they are needed: a component from the cache needs no compiler, and without a cache nothing is kept.
    if cache is not None:
        from wasihost.component import entries

        key = entries.key(engine, frozenset(in_order), wasm)
        if (entry := cache.get(key)) and (found := entries.unpack(engine, frozenset(in_order), native, entry)):
            return AdaptedComponent(engine, *found)
    from wasihost.component.compilation import compile_component

    wiring, component = compile_component(engine, wasm, native, frozenset(in_order), origin)
    if cache is not None:
        cache.put(key, entries.pack(wiring, component))
    return AdaptedComponent(engine, wiring, component)
