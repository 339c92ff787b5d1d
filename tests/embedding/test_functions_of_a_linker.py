"""`Component.open(linker=…)`: what the embedder's linker defines already needs no provider."""

from __future__ import annotations

from typing import Any

import pytest
import wasmtime
from wasmtime.component import Linker, ResourceType

from wasihost import Component, LinkError, adapt, configure

NAME = "test:own/store@1.0.0"
GUEST = """(component
  (import "test:own/store@1.0.0" (instance $store
    (export "f" (func (result u32)))
    (export "g" (func (param "n" u32) (result u32)))))
  (core func $f (canon lower (func $store "f")))
  (core func $g (canon lower (func $store "g")))
  (core module $m
    (import "" "f" (func $f (result i32)))
    (import "" "g" (func $g (param i32) (result i32)))
    (func (export "run") (result i32) (call $g (call $f))))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f)) (export "g" (func $g))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))"""
WITH_RESOURCE = """(component
  (import "test:own/store@1.0.0" (instance $store
    (export "bucket" (type $bucket (sub resource)))
    (export "[constructor]bucket" (func (result (own $bucket))))
    (export "[method]bucket.size" (func (param "self" (borrow $bucket)) (result u32)))))
  (core func $new (canon lower (func $store "[constructor]bucket")))
  (core func $size (canon lower (func $store "[method]bucket.size")))
  (core module $m
    (import "" "new" (func $new (result i32)))
    (import "" "size" (func $size (param i32) (result i32)))
    (func (export "run") (result i32) (call $size (call $new))))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "size" (func $size))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))"""


class Store:
    """All of the interface, and `f` otherwise than the linker."""

    def f(self) -> int:
        return 100

    def g(self, n: int) -> int:
        return n + 1


class OnlyG:
    """What has moved from the linker by now."""

    def g(self, n: int) -> int:
        return n + 1


@pytest.fixture(scope="module")
def engine() -> wasmtime.Engine:
    return wasmtime.Engine(configure(wasmtime.Config()))


@pytest.fixture(scope="module")
def component(engine: wasmtime.Engine) -> Component:
    return adapt(engine, bytes(wasmtime.wat2wasm(GUEST)))


def linker_with(engine: wasmtime.Engine, name: str = NAME, **functions: Any) -> Linker:
    linker = Linker(engine)
    with linker.root() as root, root.add_instance(name) as instance:
        for each, function in functions.items():
            instance.add_func(each, function)
    return linker


async def run(component: Component, provider: object | None, linker: Linker) -> int:
    providers = {} if provider is None else {NAME: provider}
    async with component.open(providers, linker=linker) as instance:
        found: int = await instance.call("run")
        return found


async def test_a_provider_needs_only_what_the_linker_lacks(engine: wasmtime.Engine, component: Component) -> None:
    assert await run(component, OnlyG(), linker_with(engine, f=lambda _store: 7)) == 8


async def test_the_linkers_definition_is_used_also_if_the_provider_has_it(
    engine: wasmtime.Engine, component: Component
) -> None:
    assert await run(component, Store(), linker_with(engine, f=lambda _store: 7)) == 8


async def test_one_component_runs_with_linkers_that_define_more_and_less(
    engine: wasmtime.Engine, component: Component
) -> None:
    for _ in range(2):
        assert await run(component, Store(), Linker(engine)) == 101
        assert await run(component, Store(), linker_with(engine, f=lambda _store: 7)) == 8
        assert await run(component, Store(), linker_with(engine, g=lambda _store, n: n * 2)) == 200
        both = linker_with(engine, f=lambda _store: 7, g=lambda _store, n: n * 2)
        assert await run(component, None, both) == 14


async def test_what_neither_has_is_missing(engine: wasmtime.Engine, component: Component) -> None:
    with pytest.raises(LinkError, match=r"nothing provides the import test:own/store@1\.0\.0 \(g\)"):
        await run(component, None, linker_with(engine, f=lambda _store: 7))
    with pytest.raises(LinkError, match=r"#f: the provider OnlyG has no method f\(\)"):
        await run(component, OnlyG(), linker_with(engine, "test:own/other", f=lambda _store: 7))


async def test_a_resource_is_the_linkers_with_all_its_functions(engine: wasmtime.Engine) -> None:
    component = adapt(engine, bytes(wasmtime.wat2wasm(WITH_RESOURCE)))

    class Provider:
        class Bucket:
            def __init__(self, _provider: object) -> None: ...

            def size(self) -> int:
                return 5

    assert await run(component, Provider(), Linker(engine)) == 5
    linker = Linker(engine)
    with linker.root() as root, root.add_instance(NAME) as instance:
        instance.add_resource("bucket", ResourceType.host(3), lambda _store, _rep: None)
    with pytest.raises(LinkError) as caught:
        await run(component, Provider(), linker)
    assert str(caught.value).splitlines() == [
        f"{NAME}#{name}: it is the provider's, and the resource bucket the linker's: the linker has to define both or "
        f"neither"
        for name in ("[constructor]bucket", "[method]bucket.size")
    ]
