"""`wasihost run --invoke`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime

from tests.cli.conftest import Cli
from tests.guests.exports import HOST as EXPORTS_HOST
from tests.guests.exports import Sleeper
from tests.guests.harness import load
from wasihost import Host
from wasihost._base.errors import UnsupportedTypeError
from wasihost._base.quoting import wat_string
from wasihost._commands import wave
from wasihost._commands.invocation import InvokedErr, invoke
from wasihost._commands.jsonvalues import JsonError, from_json
from wasihost._component.world import types
from wasihost._component.world.types import ValType

Write = Callable[..., str]

CALCULATOR = """(component
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "even") (param i32) (result i32) (i32.and (local.get 0) (i32.const 1)))
    (func (export "nothing"))
    (func (export "trap") unreachable))
  (core instance $i (instantiate $m))
  (func $add (param "left" u32) (param "right" u32) (result u32) (canon lift (core func $i "add")))
  (func $even (param "number" u32) (result (result)) (canon lift (core func $i "even")))
  (func $nothing (canon lift (core func $i "nothing")))
  (func $trap (canon lift (core func $i "trap")))
  (instance $api
    (export "add" (func $add)) (export "even" (func $even))
    (export "nothing" (func $nothing)) (export "trap" (func $trap)))
  (export "test:calculator/api@1.2.3" (instance $api)))"""
API = "test:calculator/api"


@pytest.fixture
def calculator(write: Write) -> str:
    return write(bytes(wasmtime.wat2wasm(CALCULATOR)))


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        (("add", "40", "2"), 0, "42\n", ""),
        (("even", "2"), 0, "", ""),
        (("nothing",), 0, "", ""),
        (("even", "3"), 1, "", "test:calculator/api#even returned err: null"),
        (("add", "1"), 2, "", "test:calculator/api@1.2.3#add takes 2 arguments (left, right), not 1"),
        (("add", "1", "x"), 2, "", "argument right: 'x' is not JSON (Expecting value); a string is \"x\""),
        (("add", "1", "-1"), 2, "", "argument right: expected u32 (0..4294967295), got -1"),
        (("add", "1", "[" * 100_000), 2, "", "argument right: the JSON is nested too deep"),
        (("add", "1", "[" * 900 + "]" * 900), 2, "", "argument right: expected u32 (0..4294967295), got [["),
        (("add", "1", "9" * 5001), 2, "", "argument right: Exceeds the limit (4300 digits)"),
        (("sub", "1"), 2, "", "the component does not export 'test:calculator/api#sub'; it exports"),
        (("trap",), 134, "", "the guest trapped"),
    ],
)
def test_what_the_shell_sees(cli: Cli, calculator: str, words: tuple[str, ...], code: int, out: str, err: str) -> None:
    function, *arguments = words
    done = cli("run", "--invoke", f"{API}#{function}", calculator, *arguments)
    assert (done.code, done.out) == (code, out)
    assert err in done.err
    assert bool(err) == bool(done.err)


EVIL = "\x1b[2J\x9b31m\u202e é 😀"
SAYS = f"""(component
  (core module $m (memory (export "memory") 1)
    (data (i32.const 16) {wat_string(EVIL)})
    (data (i32.const 0) "\\10\\00\\00\\00\\{len(EVIL.encode()):02x}\\00\\00\\00")
    (data (i32.const 100) "\\01\\00\\00\\00\\10\\00\\00\\00\\{len(EVIL.encode()):02x}\\00\\00\\00")
    (func $recurse (result i32) (i32.add (call $recurse) (i32.const 1)))
    (func (export "text") (result i32) (i32.const 0))
    (func (export "err") (result i32) (i32.const 100))
    (func (export "recurse") (result i32) (call $recurse)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (func (export "text") (result string) (canon lift (core func $i "text") (memory $memory)))
  (func (export "err") (result (result (error string))) (canon lift (core func $i "err") (memory $memory)))
  (func (export "recurse") (result u32) (canon lift (core func $i "recurse"))))"""


@pytest.fixture
def says(write: Write) -> str:
    return write(bytes(wasmtime.wat2wasm(SAYS)))


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_text_of_the_guest_is_json_that_does_nothing_to_a_terminal(
    cli: Cli, says: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = cli.finish(cli.start("run", "--invoke", "text", says))
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == EVIL
    assert done.out.rstrip("\n").isprintable()
    assert done.out.isascii() == (encoding == "ascii")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_text_in_the_form_of_wasmtime_does_nothing_to_a_terminal(
    cli: Cli, says: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = cli.finish(cli.start("run", "--invoke", "text()", says))
    assert (done.code, done.err) == (0, "")
    assert wave.read_arguments(f"({done.out})", [("x", types.STRING)]) == [EVIL]
    assert done.out.rstrip("\n").isprintable()
    assert done.out.isascii() == (encoding == "ascii")


def test_an_err_of_the_guest_does_nothing_to_a_terminal(cli: Cli, says: str) -> None:
    done = cli("run", "--invoke", "err", says)
    assert (done.code, done.out) == (1, "")
    assert json.loads(done.err.removeprefix("wasihost: err returned err: ")) == EVIL
    assert done.err.rstrip("\n").isprintable()


def test_a_stack_overflow_has_the_exit_code_of_a_trap(cli: Cli, says: str) -> None:
    done = cli("run", "--invoke", "recurse", says)
    assert (done.code, done.out) == (134, "")
    assert "the limit stack_bytes is" in done.err


@pytest.mark.slow
def test_a_compatible_version_is_found(cli: Cli, calculator: str) -> None:
    assert cli("run", "--invoke", f"{API}@1.0.0#add", calculator, "40", "2").out == "42\n"
    done = cli("run", "--invoke", f"{API}@2.0.0#add", calculator, "40", "2")
    assert (done.code, done.out) == (2, "")
    assert f"does not export '{API}@2.0.0#add'" in done.err


def call(function: str, *arguments: Any) -> Any:
    """Calls `rust-streams` or `rust-exports`, whose imports the command line does not provide."""
    words = [json.dumps(argument) for argument in arguments]
    name, provider = function.partition(":")[0], {EXPORTS_HOST: Sleeper(), "test:streams/host": Tickets()}
    path = f"test:{name}/api#{function.split(':')[1]}"
    found = asyncio.run(invoke(Host(providers=provider), load(f"rust-{name}"), path, words))
    return None if found is None else json.loads(found)


class Ticket:
    def number(self) -> int:
        return 0


class Tickets:
    Ticket = Ticket


def test_values_of_every_kind() -> None:
    person = {"name": "Ada", "age": 36, "home": {"x": 1, "y": -1}, "tags": ["a"]}
    nested = [
        [{"case": "circle", "value": 1.5}, {"ok": person}],
        [{"case": "nothing"}, {"err": ["red"]}],
        [{"case": "nothing"}, None],
    ]
    assert call("exports:echo-nested", nested) == nested
    assert call("exports:echo-permissions", ["write", "read"]) == ["read", "write"]
    assert call("exports:echo-result", {"ok": 3}) == 3
    with pytest.raises(InvokedErr, match='"no"'):
        call("exports:echo-result", {"err": "no"})


def test_streams_are_arrays_and_futures_their_values() -> None:
    assert call("streams:join", ["a", "b"]) == "a b"
    assert call("streams:total", "abc") == [3, 294]
    assert call("streams:upper", ["a", "b"]) == ["A", "B"]
    assert call("streams:lines", "a b c") == [["a", "b", "c"], "3 taken"]
    assert call("streams:parts", ["a", "b"]) == [{"base64": "YQ=="}, {"base64": "Yg=="}]
    assert call("streams:wait-for", "now") == "now"


def test_a_wrong_part_of_an_argument_is_named() -> None:
    with pytest.raises(JsonError, match=r"argument words\[1\]: expected string, a string, got 3"):
        call("streams:join", ["a", 3])


@pytest.mark.parametrize(
    ("t", "word", "complaint"),
    [
        (types.Primitive("string"), r'"\ud800"', "expected string, a string of Unicode, got "),
        (types.Primitive("char"), r'"\udfff"', "expected char, a string of Unicode, got "),
        (types.List(types.U8), r'"\ud800"', "expected a string of Unicode, got "),
        (types.Primitive("f64"), "9" * 400, "expected f64, a number, got 999"),
        (types.Variant((("one", None),)), '{"case": []}', r".case: expected 'one', got \[\]"),
    ],
)
def test_an_argument_that_no_guest_could_get_is_refused(t: types.ValType, word: str, complaint: str) -> None:
    with pytest.raises(JsonError, match=f"^it:? ?{complaint}"):
        from_json(t, json.loads(word), "it")


@pytest.mark.slow
def test_the_form_of_wasmtime_prints_all_results(cli: Cli, calculator: str) -> None:
    for call, printed in [
        (f"{API}#add(40, 2)", "42"),
        ("test:calculator/api.add@1.2.3( 40, 2, )", "42"),
        ("even(2)", "ok"),
        ("even(3)", "err"),
        ("nothing()", "()"),
    ]:
        done = cli("run", "--invoke", call, calculator)
        assert (done.code, done.out, done.err) == (0, f"{printed}\n", "")


@pytest.mark.parametrize(
    ("call", "words", "err"),
    [
        ("add(1)", [], "in '(1)': expected 2 values, got 1"),
        ("add(1, 2, 3)", [], "after '(1, 2, ': expected ')' after 2, got '3)'"),
        ("add(1, x)", [], "after '(1, ': expected a number, got 'x)'"),
        ("add(1, -1)", [], "argument right: expected u32 (0..4294967295), got -1"),
        ("add(1, 2", [], "after '(1, 2': expected ',', got the end"),
        ("add(1, 2) 3", [], "after '(1, 2) ': expected the end of the call, got '3'"),
        ("add(1, 2)", ["3"], "expected no arguments beside those of add(1, 2), got '3'"),
        ("sub(1)", [], "the component does not export 'sub'"),
    ],
)
def test_a_call_in_the_form_of_wasmtime_that_is_wrong(
    cli: Cli, calculator: str, call: str, words: list[str], err: str
) -> None:
    done = cli("run", "--invoke", call, calculator, *words)
    assert (done.code, done.out) == (2, "")
    assert err in done.err


POINT = types.Record((("x-axis", types.F32), ("label", types.Option(types.STRING))))
SHAPE = types.Variant((("dot", POINT), ("none", None)))


@pytest.mark.parametrize(
    ("t", "text", "value"),
    [
        (types.STRING, r'"é\n\"\u{9b}"', 'é\n"\x9b'),
        (types.CHAR, r"'\''", "'"),
        (types.F64, "1" + "0" * 20, 1e20),
        (types.F32, "0.1", 0.10000000149011612),
        (types.F32, "-inf", "-Infinity"),
        (types.F32, "34028235" + "0" * 31, 3.4028234663852886e38),
        (types.F64, "nan", "NaN"),
        (types.BOOL, "true", True),
        (types.List(types.STRING), '["a", "b"]', ["a", "b"]),
        (types.Tuple((types.U8, types.BOOL)), "(1, false)", [1, False]),
        (POINT, '{x-axis: 1, label: some("a")}', {"x-axis": 1.0, "label": "a"}),
        (POINT, "{x-axis: 1.5}", {"x-axis": 1.5, "label": None}),
        (types.Record((("a", types.Option(types.U8)),)), "{:}", {"a": None}),
        (SHAPE, "dot({x-axis: -0})", {"case": "dot", "value": {"x-axis": -0.0, "label": None}}),
        (SHAPE, "%none", {"case": "none"}),
        (types.Enum(("a-b", "ok")), "%ok", "ok"),
        (types.Flags(("a-b", "c")), "{a-b, c}", ["a-b", "c"]),
        (types.Option(types.Option(types.U8)), "some(none)", {"some": None}),
        (types.Result(types.U8, None), "err", {"err": None}),
    ],
)
def test_a_value_is_written_as_wasmtime_prints_it(t: ValType, text: str, value: Any) -> None:
    assert wave.text(t, value) == text


@pytest.mark.parametrize(
    ("t", "text", "value"),
    [
        (types.Option(types.U8), "3", 3),
        (types.Result(types.U8, types.U8), "3", {"ok": 3}),
        (types.Option(types.Enum(("none",))), "%none", "none"),
        (types.List(types.U8), "[ // two\n 1, 2, ]", [1, 2]),
        (types.STRING, '"""\n  a "b"\n   \\u{9b}\n  """', 'a "b"\n \x9b'),
        (types.STRING, '"""\n"""', ""),
    ],
)
def test_other_ways_to_write_a_value_in_the_form_of_wasmtime(t: ValType, text: str, value: Any) -> None:
    assert wave.read_arguments(f"({text})", [("x", t)]) == [value]


def test_streams_have_no_form_of_wasmtime() -> None:
    with pytest.raises(UnsupportedTypeError, match="a stream cannot be written in this form: give JSON arguments"):
        wave.check("f", types.Func((), types.Tuple((types.Stream(types.U8),))))


def test_a_long_list_is_read_in_time_that_grows_with_its_length() -> None:
    numbers = list(range(100_000))
    assert wave.read_arguments(f"({numbers})", [("x", types.List(types.U32))]) == [numbers]
