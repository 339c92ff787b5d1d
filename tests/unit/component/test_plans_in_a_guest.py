"""Plans in host functions that a real guest calls: what belongs to whom."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest
import wasmtime
from wasmtime import component

from wasihost._component import ffi
from wasihost._component.conversion.plans import HostResource, Plans
from wasihost._component.resources import ResourceTable
from wasihost._component.values import Classes
from wasihost._component.world import types

CALLS = 110_000  # Wasmtime's limit of handles per store is 100,000
GUEST = """
(component
  (import "test:things/types" (instance $types
    (export "thing" (type $thing (sub resource)))
    (export "make" (func (result (own $thing))))
    (export "consume" (func (param "it" (own $thing))))
    (export "[method]thing.add" (func (param "self" (borrow $thing)) (param "n" u32) (result u32)))))
  (alias export $types "thing" (type $thing))
  (core func $make (canon lower (func $types "make")))
  (core func $consume (canon lower (func $types "consume")))
  (core func $add (canon lower (func $types "[method]thing.add")))
  (core func $drop (canon resource.drop $thing))
  (core module $m
    (import "host" "make" (func $make (result i32)))
    (import "host" "consume" (func $consume (param i32)))
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "borrows") (param $calls i32) (result i32)
      (local $thing i32) (local $sum i32)
      (local.set $thing (call $make))
      (loop $again
        (local.set $sum (call $add (local.get $thing) (local.get $calls)))
        (br_if $again (local.tee $calls (i32.sub (local.get $calls) (i32.const 1)))))
      (call $drop (local.get $thing))
      (local.get $sum))
    (func (export "owns") (param $calls i32) (result i32)
      (loop $again
        (call $consume (call $make))
        (br_if $again (local.tee $calls (i32.sub (local.get $calls) (i32.const 1)))))
      (i32.const 0)))
  (core instance $i (instantiate $m (with "host" (instance
    (export "make" (func $make)) (export "consume" (func $consume))
    (export "add" (func $add)) (export "drop" (func $drop))))))
  (func (export "borrows") (param "calls" u32) (result u32) (canon lift (core func $i "borrows")))
  (func (export "owns") (param "calls" u32) (result u32) (canon lift (core func $i "owns"))))
"""
THING = types.Resource("thing")
NUMBER = 3


class Thing:
    dropped = 0

    def __init__(self) -> None:
        self.sum = 0

    def drop(self) -> None:
        Thing.dropped += 1


class Host:
    """A linker with the guest's imports, and a store."""

    def __init__(self) -> None:
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        self.table = ResourceTable()
        self.context: Any = SimpleNamespace(table=self.table, store_context=0, cell=ffi.Cell())
        self._plans = Plans(Classes(types.Interface({})), {THING: HostResource(NUMBER, Thing)})
        self._kept: list[Any] = []
        linker = component.Linker(engine)
        with linker.root() as root, root.add_instance("test:things/types") as instance:
            self._define(instance)
        self.instance = linker.instantiate(self.store, component.Component(engine, GUEST))

    def _define(self, instance: component.LinkerInstance) -> None:
        drop = ffi.Destructor(self._drop)
        self._kept.append(drop)
        ffi.add_resource(instance, "thing", NUMBER, drop)
        self._add(instance, "make", (), types.Own(THING), Thing)
        self._add(instance, "consume", (types.Own(THING),), None, lambda thing: None)
        self._add(instance, "[method]thing.add", (types.Borrow(THING), types.U32), types.U32, self._sum)

    def _sum(self, thing: Thing, n: int) -> int:
        thing.sum = (thing.sum + n) % 2**32
        return thing.sum

    def _drop(self, _env: object, _store: object, rep: int) -> int:
        self.table.drop(rep)
        return 0  # not an error; None would be garbage to C

    def _add(
        self, instance: component.LinkerInstance, name: str, params: Any, result: types.ValType | None, call: Any
    ) -> None:
        read = self._plans.arguments_to_python(params)
        write: Any = (lambda *_: None) if result is None else self._plans.from_python(result)

        def run(_data: int, store: int, _type: int, args: int, _count: int, results: int, _result_count: int) -> None:
            self.context.store_context = store
            write(call(*read(args, self.context)), results, self.context)

        self._kept.append(ffi.Callback(run))
        ffi.add_func(instance, name, self._kept[-1])

    def call(self, name: str, calls: int) -> int:
        func = self.instance.get_func(self.store, name)
        assert func is not None
        result: int = func(self.store, calls)
        func.post_return(self.store)
        return result


@pytest.fixture
def host() -> Host:
    Thing.dropped = 0
    return Host()


def test_borrowed_arguments_use_up_no_handles(host: Host) -> None:
    assert host.call("borrows", CALLS) == sum(range(CALLS + 1)) % 2**32
    assert (len(host.table), Thing.dropped) == (0, 1)


@pytest.mark.slow
def test_owned_results_and_arguments_use_up_no_handles(host: Host) -> None:
    host.call("owns", CALLS)
    assert (len(host.table), Thing.dropped) == (0, 0)


def test_the_address_of_the_store_is_what_callbacks_get(host: Host) -> None:
    host.call("owns", 1)
    assert host.context.store_context == ctypes.cast(host.store._context(), ctypes.c_void_p).value
