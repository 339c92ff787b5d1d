"""`wasihost inspect`, `--version` and `--help`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import wasmtime

from tests.cli import commands
from tests.cli.conftest import PREBUILT, Cli
from tests.processes import TIMEOUT_S
from wasihost import __version__
from wasihost._commands.cli import main

Write = Callable[..., str]
Capture = pytest.CaptureFixture[str]


def test_names_that_stdout_cannot_encode_are_escapes(cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    name = write(bytes(wasmtime.wat2wasm('(component (import "url=<é>" (func)))')))
    assert r"url=<\xe9>" in cli.finish(cli.start("inspect", name)).out
    assert r"url=<\xe9>" in cli.finish(cli.start("stubs", name)).out


EVERYTHING = """(component
  (import "other:things/types@1.0.0" (instance $types
    (export "thing" (type (sub resource)))
    (type $point (record (field "x" s32) (field "y" (option f64))))
    (export "point" (type $p (eq $point)))
    (type $shape (variant (case "dot" $p) (case "nothing")))
    (export "shape" (type (eq $shape)))
    (type $name string)
    (export "name" (type (eq $name)))))
  (alias export $types "thing" (type $thing))
  (alias export $types "point" (type $point))
  (import "other:things/uses@1.0.0" (instance
    (alias outer 1 $thing (type $outer-thing))
    (alias outer 1 $point (type $outer-point))
    (export "thing" (type $t (eq $outer-thing)))
    (export "maker" (type $m (sub resource)))
    (export "point" (type $p (eq $outer-point)))
    (type $both (tuple (own $t) (list $p)))
    (export "both" (type (eq $both)))
    (type $permissions (flags "read" "write"))
    (export "permissions" (type $f (eq $permissions)))
    (export "[constructor]maker" (func (param "at" $p) (result (own $m))))
    (export "[method]maker.make" (func (param "self" (borrow $m)) (param "by" $p) (result (result (error $f)))))
    (export "[static]maker.merge" (func async (param "all" (list (borrow $t))) (result (own $t))))
    (export "look" (func (param "at" (stream u8)) (result (future)))))))
"""


def test_the_report_as_json_has_types_functions_marks_and_problems(
    write: Write, capsys: Capture, tmp_path: Path
) -> None:
    path = tmp_path / write(bytes(wasmtime.wat2wasm(EVERYTHING)))
    assert main(["inspect", "--json", "--no-cache", str(path)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["runs"], found["exports"]) == (False, [])
    assert found["problems"][0].startswith("nothing provides other:things")
    types, uses = found["imports"]
    assert types["name"] == "other:things/types@1.0.0"
    assert types["types"]["shape"] == "variant shape { dot(point), nothing }"
    assert uses["functions"][1] == {
        "name": "[method]maker.make",
        "wit": "make: func(by: point) -> result<_, permissions>;",
        "mark": "missing",
    }
    assert uses["functions"][2]["wit"] == "merge: static async func(all: list<borrow<thing>>) -> thing;"


def test_exports_as_json_say_whether_they_can_be_called(capsys: Capture) -> None:
    assert main(["inspect", "--json", "--no-cache", str(PREBUILT / "rust-random.wasm")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["runs"], found["problems"]) == (True, [])
    assert found["exports"] == [
        {
            "name": "wasi:cli/run@0.3.0",
            "types": {},
            "functions": [{"name": "run", "wit": "run: async func() -> result;", "callable": True}],
        }
    ]


def _inspect(cli: Cli, component: object) -> list[str]:
    """The report, with runs of blanks made one."""
    return [re.sub(" +", " ", line).strip() for line in cli("inspect", str(component)).out.splitlines()]


def test_the_report_of_the_echo_server(cli: Cli) -> None:
    done = cli("inspect", PREBUILT / "rust-echo-server.wasm")
    assert (done.code, done.err) == (0, "")
    lines = [re.sub(" +", " ", line) for line in done.out.splitlines()]
    for expected in (
        "import wasi:sockets/types@0.3.0 {",
        " enum ip-address-family { ipv4, ipv6 }",
        " other(option<string>),",
        " record ipv4-socket-address { port: u16, address: ipv4-address }",
        " resource tcp-socket {",
        " create: static func(address-family: ip-address-family) -> result<tcp-socket, error-code>; // direct",
        " listen: func() -> result<stream<tcp-socket>, error-code>; // adapted",
        " get-environment: func() -> list<tuple<string, string>>; // adapted",
        " use wasi:cli/types@0.3.0.{error-code};",
        "export wasi:cli/run@0.3.0 {",
        " run: async func() -> result;",
        "// It will run: everything is provided.",
    ):
        assert expected in lines
    assert "missing" not in done.out


def test_types_are_shown_as_wit(cli: Cli, write: Write) -> None:
    lines = _inspect(cli, write(wasmtime.wat2wasm(EVERYTHING)))
    assert lines[: lines.index("") + 1] == [
        "import other:things/types@1.0.0 {",
        "record point { x: s32, y: option<f64> }",
        "variant shape { dot(point), nothing }",
        "type name = string;",
        "resource thing;",
        "}",
        "",
    ]
    assert lines[lines.index("") + 1 :][:11] == [
        "import other:things/uses@1.0.0 {",
        "use other:things/types@1.0.0.{thing, point};",
        "type both = tuple<thing, list<point>>;",
        "flags permissions { read, write }",
        "resource maker {",
        "constructor(at: point); // missing",
        "make: func(by: point) -> result<_, permissions>; // missing",
        "merge: static async func(all: list<borrow<thing>>) -> thing; // missing",
        "}",
        "look: func(at: stream<u8>) -> future; // missing",
        "}",
    ]


def test_missing_imports_are_marked_and_listed(cli: Cli) -> None:
    done = cli("inspect", PREBUILT / "rust-kv-client.wasm")
    assert done.code == 1
    assert "open: async func(name: string) -> result<bucket, kv-error>;" in done.out
    assert "// imported functions: 1 adapted, 7 missing" in done.out
    assert "//   nothing provides the import example:kv/store@1.0.0" in done.out


def test_one_missing_function_is_marked_alone(cli: Cli, write: Write) -> None:
    lines = _inspect(cli, write(commands.importing("wasi:cli/exit@0.3.0")))
    assert "f: func(); // missing" in lines


def test_wasi_0_2_is_marked_as_0_3_is(cli: Cli) -> None:
    done = cli("inspect", PREBUILT / "rust-hello-p2.wasm")
    assert done.code == 0
    text = re.sub(" +", " ", done.out)
    assert "get-stdout: func() -> output-stream; // direct" in text
    assert "poll: func(in: list<borrow<pollable>>) -> list<u32>; // adapted" in text
    assert "native" not in text


def test_native_wasi_0_2_is_marked(cli: Cli) -> None:
    done = cli("inspect", "--wasip2", "native", PREBUILT / "rust-hello-p2.wasm")
    assert done.code == 0
    assert "get-stdout: func() -> output-stream; // native 0.2" in re.sub(" +", " ", done.out)
    assert "15 native 0.2" in done.out


def test_wasi_0_2_that_is_refused_is_missing(cli: Cli) -> None:
    done = cli("inspect", "--wasip2", "none", PREBUILT / "rust-hello-p2.wasm")
    assert done.code == 1
    assert "get-stdout: func() -> output-stream; // missing" in re.sub(" +", " ", done.out)


def test_another_word_for_what_serves_wasi_0_2_is_an_error_of_usage(cli: Cli) -> None:
    done = cli("inspect", "--wasip2", "rust", PREBUILT / "rust-hello-p2.wasm")
    assert done.code == 2
    assert "'rust' is not python, native, none" in done.err


def test_a_component_that_is_no_command_will_not_run(cli: Cli) -> None:
    done = cli("inspect", PREBUILT / "rust-exports.wasm")
    assert done.code == 1
    assert "merge: static func(left: counter, right: counter) -> counter;" in done.out
    assert "not a command" in done.out


@pytest.mark.parametrize("name", ["rust-http", "rust-p2-http"])
def test_a_service_needs_no_command(cli: Cli, name: str) -> None:
    done = cli("inspect", PREBUILT / f"{name}.wasm")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "// It will run: everything is provided."


def test_running_a_service_names_the_command_for_it(cli: Cli) -> None:
    done = cli("run", PREBUILT / "rust-p2-http.wasm")
    assert done.code == 1
    assert "not a command" in done.err
    assert "wasihost serve" in done.err


def test_sockets_of_native_wasi_0_2_are_said_to_be_denied(cli: Cli) -> None:
    done = cli("inspect", "--wasip2", "native", PREBUILT / "c-libc-p2.wasm")
    assert done.code == 0
    assert done.out.splitlines()[-2:] == [
        "// imported functions: 3 adapted, 47 denied 0.2, 15 native 0.2",
        "// It will run: everything is provided, but its sockets of WASI 0.2 are denied, whatever the policy.",
    ]


WHY = """
wasi:cli/environment@0.3.0 | wasihost | 0.3.0 | --env, --inherit-env, --argv0
wasi:cli/stdout@0.3.0 | wasihost | 0.3.0 | -
wasi:cli/stdin@0.2.12 | wasihost | 0.2.0 | --stdin
wasi:clocks/monotonic-clock@0.2.12 | wasihost | 0.2.0 | -
wasi:sockets/tcp@0.2.12 | wasihost | 0.2.0 | --allow-net, --allow-outbound, --allow-inbound, --limit
"""
WHY_NATIVE = """
wasi:cli/environment@0.3.0 | wasihost | 0.3.0 | --env, --inherit-env, --argv0
wasi:cli/stdin@0.2.12 | Wasmtime | 0.2 | --stdin
wasi:clocks/monotonic-clock@0.2.12 | Wasmtime | 0.2 | -
wasi:sockets/tcp@0.2.12 | Wasmtime, which denies it | 0.2 | -
"""


@pytest.mark.parametrize(("wasip2", "expected"), [("python", WHY), ("native", WHY_NATIVE)])
def test_why_is_a_table_of_what_serves_each_import(cli: Cli, wasip2: str, expected: str) -> None:
    lines = cli("inspect", "--why", "--wasip2", wasip2, PREBUILT / "c-libc-p2.wasm").out.splitlines()
    assert re.split("  +", lines[0]) == ["import", "served by", "version", "options of `wasihost run`"]
    rows = [" | ".join(re.split("  +", line)) for line in lines[1:]]
    assert [row for row in expected.splitlines() if row not in ("", *rows)] == []


def test_why_says_which_imports_nothing_serves(cli: Cli) -> None:
    lines = cli("inspect", "--why", PREBUILT / "rust-kv-client.wasm").out.splitlines()
    assert re.split("  +", lines[1]) == ["example:kv/store@1.0.0", "nothing", "-", "--provider"]
    assert "// It will not run:" in lines


@pytest.mark.parametrize("command", ["inspect", "stubs"])
def test_a_limit_can_be_another_one(cli: Cli, command: str) -> None:
    done = cli(command, "--limit", "world-parts=10", PREBUILT / "rust-hello-p2.wasm")
    assert done.code == 1
    assert "the limit world_parts is 10" in done.err


def test_two_versions_of_an_interface_are_shown_apart(cli: Cli) -> None:
    out = cli("inspect", PREBUILT / "rust-two-versions.wasm").out
    assert out.count("variant error-code {") == 2


def test_a_reader_that_goes_away_is_no_error(cli: Cli) -> None:
    process = cli.start("inspect", PREBUILT / "rust-hello-p2.wasm")
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == ""
    assert process.wait(TIMEOUT_S) == 141


def test_the_version_names_what_it_runs_on(cli: Cli) -> None:
    done = cli("--version")
    assert done.code == 0
    assert done.out.startswith(f"wasihost {__version__} (wasmtime {version('wasmtime')}, Python ")


@pytest.mark.parametrize("words", [[], ["run"], ["inspect"]])
def test_help_goes_to_stdout(cli: Cli, words: list[str]) -> None:
    done = cli(*words, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: wasihost")


def test_long_names_do_not_widen_the_table(cli: Cli, write: Write) -> None:
    names = ["a:b/c", f"a:b/{'c' * 50_000}"]
    imports = " ".join(f'(import "{name}" (instance (export "f" (func))))' for name in names)
    lines = cli("inspect", "--why", write(wasmtime.wat2wasm(f"(component {imports})"))).out.splitlines()
    assert len(lines[1]) < 150
    assert len(lines[2]) == 1000


def test_a_service_can_be_inspected_without_the_extra_for_http(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "h11.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert cli.finish(cli.start("inspect", PREBUILT / "rust-http.wasm")).code == 0
