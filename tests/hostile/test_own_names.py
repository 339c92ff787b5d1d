"""WIT functions that are called as what our classes have: each is the guest's or the provider's, and called once."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol

import wasmtime

from wasihost import GuestResource, Host, Instance
from wasihost._commands import stubs
from wasihost._component.adapt import Component
from wasihost._component.values import function_name, method_name
from wasihost._host.exports import Exports


class Empty(Protocol): ...


def own_names() -> list[str]:
    """Every name of our classes, and of classes at all, as WIT spells it; `new` is what stubs call a constructor."""
    found = {name for cls in (Exports, GuestResource, Instance, Empty, type) for name in dir(cls)}
    found |= {"drop", "wit_types", "new", "self", "case", "value", *keyword.kwlist}
    words = {name.strip("_").replace("_", "-").lower() for name in found}
    return sorted(name for name in words if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*", name))


NAMES = own_names()
HOST, API = "test:names/host", "test:names/api"


def load(text: str) -> Component:
    return Host().load(bytes(wasmtime.wat2wasm(text)))


def written(component: Component) -> Any:
    """The module that `wasihost stubs` writes."""
    module = ModuleType("stub")
    exec(stubs.write(component, "title"), module.__dict__)
    return module


def importing() -> str:
    """Calls every function, static function and method of these names, and then drops the resource."""
    kinds = {"": "", "[static]s.": "", "[method]r.": '(param "self" (borrow $r))'}
    functions = [(f"{kind}{name}", params) for kind, params in kinds.items() for name in NAMES]
    exports = "".join(f'(export "{name}" (func {params}))' for name, params in functions)
    lowered = "".join(f'(core func $f{i} (canon lower (func $host "{name}")))' for i, (name, _) in enumerate(functions))
    given = "".join(f'(export "f{i}" (func $f{i}))' for i in range(len(functions)))
    taken = "".join(
        f'(import "" "f{i}" (func $f{i} {"(param i32)" if params else ""}))' for i, (_, params) in enumerate(functions)
    )
    calls = "".join(f"(call $f{i} {'(local.get $r)' if params else ''})" for i, (_, params) in enumerate(functions))
    return f"""(component
      (import "{HOST}" (instance $host
        (export "r" (type $r (sub resource))) (export "s" (type (sub resource)))
        (export "[constructor]r" (func (result (own $r)))) {exports}))
      (alias export $host "r" (type $r))
      (core func $new (canon lower (func $host "[constructor]r")))
      (core func $drop (canon resource.drop $r))
      {lowered}
      (core module $m
        (import "" "new" (func $new (result i32))) (import "" "drop" (func $drop (param i32))) {taken}
        (func (export "go") (local $r i32) (local.set $r (call $new)) {calls} (call $drop (local.get $r))))
      (core instance $i (instantiate $m (with "" (instance
        (export "new" (func $new)) (export "drop" (func $drop)) {given}))))
      (func (export "go") (canon lift (core func $i "go"))))"""


async def test_a_provider_is_called_once_for_each_name() -> None:
    calls: Counter[str] = Counter()

    def counted(name: str) -> Any:
        return lambda *args: calls.update([name])

    methods = {method_name(name): counted(f"method {name}") for name in NAMES}
    statics = {method_name(name): staticmethod(counted(f"static {name}")) for name in NAMES}
    provider = SimpleNamespace(**{function_name(name): counted(f"function {name}") for name in NAMES})
    provider.R = type("R", (), {**methods, "__init__": lambda self, provider: None, "drop": counted("the end")})
    provider.S = type("S", (), statics)
    async with Host(providers={HOST: provider}).open(load(importing())) as instance:
        await instance.call("go")
    kinds = ("function", "static", "method")
    assert calls == Counter(["the end", *(f"{kind} {name}" for kind in kinds for name in NAMES)])


def test_stubs_of_a_provider_have_the_names_that_are_called() -> None:
    module = written(load(importing()))
    assert {function_name(name) for name in NAMES} <= set(vars(module.HostProvider))
    assert {method_name(name) for name in NAMES} <= set(vars(module.RResource))
    assert {method_name(name) for name in NAMES} <= set(vars(module.SResource))
    assert "drop" not in vars(module.RResource)


def exporting() -> str:
    """Exports functions and methods of these names, each of which gives its position."""
    cores = "".join(
        f"""(func (export "f{i}") (result i32) (i32.const {i}))
        (func (export "m{i}") (param i32) (result i32) (i32.const {i}))"""
        for i in range(len(NAMES))
    )
    lifts = "".join(
        f"""(func $f{i} (result u32) (canon lift (core func $i "f{i}")))
        (func $m{i} (param "self" (borrow $r)) (result u32) (canon lift (core func $i "m{i}")))"""
        for i in range(len(NAMES))
    )
    taken = "".join(
        f"""(import "f{i}" (func $f{i} (result u32)))
        (import "m{i}" (func $m{i} (param "self" (borrow $r)) (result u32)))"""
        for i in range(len(NAMES))
    )
    exports = "".join(
        f"""(export "{name}" (func $f{i}))
        (export "[method]r.{name}" (func $m{i}) (func (param "self" (borrow $er)) (result u32)))"""
        for i, name in enumerate(NAMES)
    )
    given = "".join(f'(with "f{i}" (func $f{i})) (with "m{i}" (func $m{i}))' for i in range(len(NAMES)))
    return f"""(component
      (type $r (resource (rep i32)))
      (core func $new (canon resource.new $r))
      (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (func (export "new") (result i32) (call $new (i32.const 1))) {cores})
      (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
      (func $new (result (own $r)) (canon lift (core func $i "new")))
      {lifts}
      (component $c
        (import "r" (type $r (sub resource))) (import "new" (func $new (result (own $r)))) {taken}
        (export $er "r" (type $r))
        (export "[constructor]r" (func $new) (func (result (own $er)))) {exports})
      (instance $x (instantiate $c (with "r" (type $r)) (with "new" (func $new)) {given}))
      (export "{API}" (instance $x)))"""


async def test_classes_of_stubs_call_the_guest_for_each_name() -> None:
    component = load(exporting())
    module = written(component)
    async with Host().open(component) as instance:
        api = module.Api(instance)
        thing = await module.R.new(api)
        for position, name in enumerate(NAMES):
            assert await getattr(api, function_name(name))() == position
            taken = method_name(name) in ("new", "close")  # by the constructor, and by our own class
            assert await getattr(thing, method_name(name) + "_" * taken)() == position
        thing.close()
