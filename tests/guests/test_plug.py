"""Imports of one component met by exports of another, with `Host.load(plug=…)` and --plug."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import wasmtime
from wasmtime.component import Component, Linker

from tests.processes import run
from wasihost import ComponentError, Host
from wasihost._base.limits import DEFAULTS
from wasihost._host.source import read_plugged

LOG = '(import "my:host/log" (instance $log (export "note" (func (param "n" u32)))))'
CHECKS = 'my:auth/check@1.0.0" (instance $check (export "allowed" (func (param "n" u32) (result u32))))'
APP = f"""(component {{name}}
  (import "{CHECKS}) {LOG}
  (core func $allowed (canon lower (func $check "allowed")))
  (core func $note (canon lower (func $log "note")))
  (core module $m
    (import "" "allowed" (func $allowed (param i32) (result i32))) (import "" "note" (func $note (param i32)))
    (func (export "f") (param i32) (result i32)
      (call $note (local.get 0)) (i32.add (call $allowed (local.get 0)) (i32.const 1))))
  (core instance $i (instantiate $m
    (with "" (instance (export "allowed" (func $allowed)) (export "note" (func $note))))))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))"""
AUTH = f"""(component {{name}}
  {LOG}
  (core func $note (canon lower (func $log "note")))
  (core module $m (import "" "note" (func $note (param i32)))
    (func (export "allowed") (param i32) (result i32)
      (call $note (i32.const 7)) (i32.mul (local.get 0) (i32.const 10))))
  (core instance $i (instantiate $m (with "" (instance (export "note" (func $note))))))
  (func $allowed (param "n" u32) (result u32) (canon lift (core func $i "allowed")))
  (instance $check (export "allowed" (func $allowed)))
  (export "my:auth/check@1.0.2" (instance $check)))"""
BY_HAND = f"""(component {LOG} {AUTH.format(name="$auth")} {APP.format(name="$app")}
  (instance $auth (instantiate $auth (with "my:host/log" (instance $log))))
  (alias export $auth "my:auth/check@1.0.2" (instance $check))
  (instance $app (instantiate $app
    (with "my:auth/check@1.0.0" (instance $check)) (with "my:host/log" (instance $log))))
  (export "f" (func $app "f")))"""
APP, AUTH = APP.format(name=""), AUTH.format(name="")

# Both import a resource; the app passes one to the plug, which makes a number of it.
THINGS = """(import "my:host/things" (instance $things (export "thing" (type $t (sub resource)))
    (export "[constructor]thing" (func (param "n" u32) (result (own $t))))
    {more}))
  (alias export $things "thing" (type $thing))"""
WEIGHS = """(component {things}
  (import "my:scales/weigh" (instance $weigh (alias outer 1 $thing (type $t0)) (export "thing" (type $t (eq $t0)))
    (export "weigh" (func (param "t" (own $t)) (result u32)))))
  (core func $make (canon lower (func $things "[constructor]thing")))
  (core func $weigh (canon lower (func $weigh "weigh")))
  (core module $m (import "" "make" (func $make (param i32) (result i32)))
    (import "" "weigh" (func $weigh (param i32) (result i32)))
    (func (export "f") (param i32) (result i32) (call $weigh (call $make (local.get 0)))))
  (core instance $i (instantiate $m (with "" (instance (export "make" (func $make)) (export "weigh" (func $weigh))))))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))""".format(
    things=THINGS.format(more="")
)
SCALES = """(component {things}
  (core func $number (canon lower (func $things "[method]thing.number")))
  (core func $drop (canon resource.drop $thing))
  (core module $m
    (import "" "number" (func $number (param i32) (result i32))) (import "" "drop" (func $drop (param i32)))
    (func (export "weigh") (param i32) (result i32)
      (call $number (local.get 0)) (call $drop (local.get 0))))
  (core instance $i (instantiate $m (with "" (instance (export "number" (func $number)) (export "drop" (func $drop))))))
  (func $weigh (param "t" (own $thing)) (result u32) (canon lift (core func $i "weigh")))
  (instance $scales (export "thing" (type $thing)) (export "weigh" (func $weigh)))
  (export "my:scales/weigh" (instance $scales)))""".format(
    things=THINGS.format(more='(export "[method]thing.number" (func (param "self" (borrow $t)) (result u32)))')
)


# The app calls two functions that its world imports; its plug exports one, and calls the other too.
SCALE = """(import "scale" (func $scale (param "n" u32) (result u32)))
  (core func $scale' (canon lower (func $scale)))"""
BARE_APP = f"""(component {SCALE} {LOG}
  (import "allowed" (func $allowed (param "n" u32) (result u32)))
  (core func $allowed' (canon lower (func $allowed)))
  (core func $note (canon lower (func $log "note")))
  (core module $m
    (import "" "allowed" (func $allowed (param i32) (result i32))) (import "" "note" (func $note (param i32)))
    (import "" "scale" (func $scale (param i32) (result i32)))
    (func (export "f") (param i32) (result i32)
      (call $note (local.get 0))
      (i32.add (call $allowed (local.get 0)) (call $scale (local.get 0)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "allowed" (func $allowed')) (export "note" (func $note)) (export "scale" (func $scale'))))))
  (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))"""
BARE_AUTH = f"""(component {SCALE}
  (core module $m (import "" "scale" (func $scale (param i32) (result i32)))
    (func (export "allowed") (param i32) (result i32)
      (i32.add (i32.mul (local.get 0) (i32.const 10)) (i32.div_u (call $scale (local.get 0)) (i32.const 500)))))
  (core instance $i (instantiate $m (with "" (instance (export "scale" (func $scale'))))))
  (func (export "allowed") (param "n" u32) (result u32) (canon lift (core func $i "allowed"))))"""


class Log:
    def __init__(self) -> None:
        self.notes: list[int] = []

    def note(self, n: int) -> None:
        self.notes.append(n)


class Things:
    dropped = 0

    class Thing:
        def __init__(self, things: Things, n: int) -> None:
            self._things = things
            self._n = n

        def number(self) -> int:
            return self._n

        def drop(self) -> None:
            self._things.dropped += 1


def binary(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def on_wasmtime(wasm: bytes) -> tuple[Any, list[int]]:
    """What `f(5)` gives and notes in Wasmtime alone."""
    engine = wasmtime.Engine()
    linker = Linker(engine)
    notes: list[int] = []
    with linker.root() as root, root.add_instance("my:host/log") as log:
        log.add_func("note", lambda _store, n: notes.append(n))
    store = wasmtime.Store(engine)
    f = linker.instantiate(store, Component(engine, wasm)).get_func(store, "f")
    assert f is not None
    return f(store, 5), notes


async def test_a_plug_meets_an_import_and_what_both_import_is_imported_once() -> None:
    log = Log()
    host = Host(providers={"my:host/log": log})
    composed = host.load(binary(APP), plug={"my:auth/check": binary(AUTH)})
    assert (composed.imports, composed.exports) == (["my:host/log"], ["f"])
    async with host.open(composed) as instance:
        found = await instance.call("f", 5)
    engine = wasmtime.Engine()
    wasm, _ = read_plugged(engine, binary(APP), {"my:auth/check@1.0.0": binary(AUTH)}, DEFAULTS)
    assert (found, log.notes) == on_wasmtime(wasm) == on_wasmtime(binary(BY_HAND)) == (51, [5, 7])


async def test_resources_of_the_host_go_from_one_to_the_other() -> None:
    things = Things()
    host = Host(providers={"my:host/things": things})
    async with host.open(host.load(binary(WEIGHS), plug={"my:scales/weigh": binary(SCALES)})) as instance:
        assert await instance.call("f", 12) == 12
    assert things.dropped == 1


@pytest.mark.parametrize(
    ("plug", "message"),
    [
        ({"my:auth/other": AUTH}, "does not import 'my:auth/other'; it imports my:auth/check@1.0.0, my:host/log"),
        ({"my:host/log": AUTH}, "does not export 'my:host/log'; it exports my:auth/check@1.0.2"),
        ({"my:auth/check": AUTH.replace("result u32", "result s32")}, "expected primitive `u32` found primitive `s32`"),
        ({"my:auth/check": "(module)"}, "is a core module, not a component"),
        ({"f": AUTH}, "does not import 'f'; it imports my:auth/check@1.0.0, my:host/log"),
    ],
)
async def test_what_does_not_fit_is_said(plug: dict[str, str], message: str) -> None:
    with pytest.raises(ComponentError) as caught:
        Host().load(binary(APP), plug={name: binary(text) for name, text in plug.items()})
    assert message in str(caught.value)


async def test_a_function_of_the_world_meets_one_of_another_world() -> None:
    log = Log()
    host = Host(providers={"my:host/log": log, "": SimpleNamespace(scale=lambda n: n * 100)})
    composed = host.load(binary(BARE_APP), plug={"allowed": binary(BARE_AUTH)})
    assert composed.exports == ["f"]
    async with host.open(composed) as instance:
        assert await instance.call("f", 5) == 551
    assert log.notes == [5]


def test_a_function_that_the_plug_does_not_export_is_named() -> None:
    with pytest.raises(ComponentError, match="does not export 'allowed'; it exports my:auth/check@"):
        Host().load(binary(BARE_APP), plug={"allowed": binary(AUTH)})


def test_what_is_loaded_already_cannot_be_composed() -> None:
    with pytest.raises(TypeError, match="has no bytes to compose"):
        Host().load(Host().load(binary(APP)), plug={"my:auth/check": binary(AUTH)})


def test_the_command_line_composes_files(tmp_path: Path) -> None:
    for name, text in (("app", APP), ("auth", AUTH)):
        (tmp_path / f"{name}.wat").write_text(text)
    app, auth = str(tmp_path / "app.wat"), f"my:auth/check={tmp_path / 'auth.wat'}"
    shown = run("-m", "wasihost", "inspect", "--no-cache", "--plug", auth, app)
    assert "my:host/log" in shown.stdout
    assert "my:auth" not in shown.stdout
    wrong = run("-m", "wasihost", "inspect", "--no-cache", "--plug", f"my:auth/check={tmp_path / 'none.wasm'}", app)
    assert "none.wasm cannot be read" in wrong.stderr
    assert "is not NAME=FILE" in run("-m", "wasihost", "inspect", "--plug", "x", app).stderr
