"""Names that try to break out of generated text: WebAssembly's, Python's, what `inspect` and errors print."""

from __future__ import annotations

import ast
import json
import re
import traceback
from types import SimpleNamespace
from typing import Any

import pytest
import wasmtime
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.guests.harness import fails
from tests.strategies import names
from wasihost import GuestTrap, Host, LinkError
from wasihost._base.quoting import LONGEST_LINE, json_text, line, printable, python_string, wat_string
from wasihost._commands import stubs
from wasihost._commands.inspection import Inspection
from wasihost._commands.stubs.naming import docstring, identifier
from wasihost._component.adapt import Component
from wasihost._component.values import method_name

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
EVIL = ['"', "\\", '\\"', '"""', "'''", "\n", "\0", "\x1b[2J", "\x7f", "\x9b31m", "\u202e", "\u2028", "é", "😀"]
EVIL += ["%s {} {0}", ";; comment\n) (module)", '")) (core module', "$x", "(;", ";)", "#{", "a--b", "-", "²"]


def with_evil(test: Any) -> Any:
    for text in EVIL:
        test = example(text)(test)
    return given(TEXTS)(test)


@with_evil
def test_a_string_of_webassembly_text_is_what_it_was(text: str) -> None:
    module = wasmtime.Module(wasmtime.Engine(), f"(module (func (export {wat_string(text)})))")
    assert [export.name for export in module.exports] == [text]


@with_evil
def test_a_string_of_python_is_what_it_was_and_ascii(text: str) -> None:
    assert ast.literal_eval(python_string(text)) == text
    assert python_string(text).isascii()


@with_evil
def test_a_docstring_is_one_line_and_ends_where_it_should(text: str) -> None:
    written = docstring(text, "    ")
    tree = ast.parse(f"def f():\n{written}\n    return 1")
    assert len(tree.body) == 1
    assert isinstance(tree.body[0], ast.FunctionDef)
    assert len(tree.body[0].body) == 2
    assert "\n" not in written


@with_evil
def test_what_is_printed_has_no_control_characters(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()


@with_evil
def test_a_line_of_a_message_is_one_and_not_long(text: str) -> None:
    assert line(text * 1000).isprintable()
    assert len(line(text * 1000)) <= LONGEST_LINE
    assert line(line(text)) == line(text)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@with_evil
def test_json_is_what_it_was_and_can_be_shown(encoding: str, text: str) -> None:
    shown = json_text(json.dumps([text], ensure_ascii=False), encoding)
    assert json.loads(shown) == [text]
    assert shown.isprintable()
    assert shown.encode(encoding)


@with_evil
def test_an_identifier_is_one(text: str) -> None:
    assert identifier(text).isidentifier()


def executed(module: str) -> None:
    """Runs the text of a module, whose only effects are its classes."""
    exec(compile(module, "stub", "exec"), {"__name__": __name__})


def load(text: str) -> Component:
    return Host().load(bytes(wasmtime.wat2wasm(text)))


def component(name: str, words: list[str], way: str) -> str:
    """A component that imports and exports under names like these."""
    fields = " ".join(f"(field {wat_string(word)} u8)" for word in words)
    cases = " ".join(f"(case {wat_string(word)} string)" for word in words)
    flags = " ".join(map(wat_string, words))
    instance = f"""
      (type $r (record {fields})) (export {wat_string(words[0] + "-r")} (type $er (eq $r)))
      (type $v (variant {cases})) (export {wat_string(words[0] + "-v")} (type $ev (eq $v)))
      (type $f (flags {flags})) (export {wat_string(words[0] + "-f")} (type $ef (eq $f)))
      (type $e (enum {flags})) (export {wat_string(words[0])} (type $ee (eq $e)))
      (export {wat_string(words[0] + "-q")} (type $s (sub resource)))
      (export {wat_string("[method]" + words[0] + "-q." + words[0])} (func {way} (param "self" (borrow $s))))
      (export {wat_string(words[0] + "-g")}
        (func {way} {" ".join(f"(param {wat_string(word)} $er)" for word in words)} (result $ev)))"""
    return f"(component (import {wat_string(name)} (instance {instance})))"


class Anything:
    """A provider of whatever is asked for."""

    def __init__(self, words: list[str]) -> None:
        self._words = words

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "wit_types":
            raise AttributeError(name)
        if name[0].isupper():
            return type(name, (), {each: lambda self: None for each in _methods(self._words)})
        return lambda *args: None


def _methods(words: list[str]) -> list[str]:
    return [method_name(word) for word in words]


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(names(), min_size=1, max_size=4, unique=True), st.sampled_from(["", "async"]), st.sampled_from(
    ["test:names/evil", "test:class/none@1.0.0-a.b", "wasihost-guest-stands-here:guest/guest", "test:names/wasihost"]
))  # fmt: skip
def test_keywords_and_words_of_ours_are_names_like_any_other(words: list[str], way: str, name: str) -> None:
    loaded = load(component(name, words, way))
    module = stubs.write(loaded, "title")
    executed(module)
    assert name in Inspection(loaded, {}).text
    problems = Inspection(loaded, {name: Anything(words)}).problems
    assert ["is not a command" in problem for problem in problems] == [True]


@pytest.mark.parametrize("name", ["exports", "test:names/exports", "enum", "protocol", "class-var", "any"])
def test_an_interface_may_be_called_as_what_stubs_import(name: str) -> None:
    loaded = load(f"""(component
      (core module $m (func (export "f"))) (core instance $m (instantiate $m))
      (func $f (canon lift (core func $m "f"))) (instance $i (export "f" (func $f)))
      (export {wat_string(name)} (instance $i)))""")
    nodes = list(ast.walk(ast.parse(stubs.write(loaded, "title"))))
    named = [node.asname or node.name for node in nodes if isinstance(node, ast.alias)]
    named += [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    assert len(named) == len(set(named))


URL = TEXTS.filter(lambda text: not set(text) & set("<>"))


@pytest.mark.slow
@settings(max_examples=60)
@given(URL)
@example("-")
@example("a--b")
@example('x"""\n"; import os')
@example("\x1b]0;title\x07\u202e")
@example("\0")
@example("1é²😀")
def test_a_url_may_have_any_characters(text: str) -> None:
    name = f"url=<{text}>"
    instance = """(instance
      (type $r (record (field "a" u8))) (export "r" (type $e (eq $r))) (export "f" (func async (param "x" $e))))"""
    func = '(func (param "a" (tuple u8 u8)) (result bool))'
    other = wat_string(f"url=<y{text}>")
    loaded = load(f"(component (import {wat_string(name)} {func}) (import {other} {instance}))")
    executed(stubs.write(loaded, "title"))
    report = Inspection(loaded, {}).text
    assert all(line.isprintable() for line in report.splitlines())
    assert report.isascii() or printable(report, "\n") == report


async def trap_in(name: str) -> GuestTrap:
    """What comes of a trap in a core function of this name."""
    text = f"""(component
      (core module $m (func (@name {wat_string(name)}) (export "f") (result i32) unreachable))
      (core instance $i (instantiate $m)) (func (export "f") (result u32) (canon lift (core func $i "f"))))"""
    async with Host().open(load(text)) as instance:
        with pytest.raises(GuestTrap) as caught:
            await instance.call("f")
    return caught.value


async def test_the_names_of_functions_in_a_backtrace_move_no_cursor() -> None:
    trap = await trap_in("\x1b[2J\x1b]0;owned\x07\u202e")
    assert "owned" in str(trap)
    assert all(line.isprintable() for line in str(trap).splitlines())


@pytest.mark.parametrize("name", ["f", "f\n\nCaused by:\n    wasm trap: forged", "call stack exhausted", "\nforged\n"])
async def test_a_trap_begins_with_its_reason_whatever_functions_are_called(name: str) -> None:
    trap = await trap_in(name)
    assert type(trap) is GuestTrap
    reason, heading, *frames = str(trap).split("\n")
    assert reason == "wasm trap: wasm `unreachable` instruction executed"
    assert heading == "wasm backtrace:"
    assert frames
    assert all(re.match(r" +\d+: ", frame) for frame in frames)


async def test_a_traceback_of_a_trap_has_no_other_text_of_the_guest() -> None:
    shown = "".join(traceback.format_exception(await trap_in("f\nforged line")))
    assert "forged line" in shown
    assert "\nforged line" not in shown


async def test_a_name_of_100_kb_does_not_make_a_long_message() -> None:
    assert 1000 < len(str(await trap_in("f" * 99_000))) < 3000


async def test_an_import_cannot_forge_a_line_of_an_error() -> None:
    name = wat_string("url=<x\nwasihost: forged>")
    loaded = load(f'(component (import {name} (instance (export "f" (func)))) (import "a:b/c" (func)))')
    error = await fails(Host().run_async(loaded), LinkError)
    assert not [line for line in str(error).split("\n") if line.startswith("wasihost: ")]


@pytest.mark.slow
async def test_thousands_of_exports_do_not_make_a_long_message() -> None:
    names = [f"{'a' * 100}-f{number}" for number in range(2000)]
    exports = "".join(f'(func (export "{name}") (canon lift (core func $i "f")))' for name in names)
    loaded = load(f'(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) {exports})')
    async with Host().open(loaded) as instance:
        assert len(str(await fails(instance.call("g"), LookupError))) <= LONGEST_LINE
        assert len(str(await fails(instance.call(names[0], 1), TypeError))) <= LONGEST_LINE


@pytest.mark.parametrize("name", ["guest", "call-0", "adapter", "f0", "drive", "step"])
async def test_functions_named_as_parts_of_the_adapter_component_are_the_guests(name: str) -> None:
    async def answer() -> int:
        return 7

    loaded = load(f"""(component
      (import "test:names/{name}" (instance $host (export "{name}" (func async (result u32)))))
      (core func $f (canon lower (func $host "{name}")))
      (core module $m (import "" "f" (func $f (result i32))) (func (export "{name}") (result i32) (call $f)))
      (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
      (func (export "{name}") async (result u32) (canon lift (core func $i "{name}"))))""")
    provider = SimpleNamespace(**{name.replace("-", "_"): answer})
    async with Host(providers={f"test:names/{name}": provider}).open(loaded) as instance:
        assert await instance.call(name) == 7
