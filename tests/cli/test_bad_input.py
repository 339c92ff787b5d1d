"""Whatever is wrong is told in lines that begin with `wasihost:`, without a traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from tests.cli import commands
from tests.cli.conftest import PREBUILT, Cli, Finished
from wasihost._commands.cli import main

Write = Callable[..., str]

CORE_MODULE = b"\0asm\1\0\0\0"
USAGE_ERRORS = {
    "no-command": [],
    "unknown-command": ["walk"],
    "no-component": ["run"],
    "unknown-option": ["run", "--allow-everything", "guest.wasm"],
    "abbreviated-option": ["run", "--allow-n", "guest.wasm"],
    "seed-that-is-no-number": ["run", "--seed", "seven", "guest.wasm"],
    "env-without-name": ["run", "--env", "=value", "guest.wasm"],
    "host-without-address": ["run", "--add-host", "db", "guest.wasm"],
    "two-components-to-inspect": ["inspect", "guest.wasm", "guest.wasm"],
}
BAD_RULES = ["", "localhost", "sctp://127.0.0.1:1", "tcp://127.0.0.1", "tcp://local host:80", "tcp://127.0.0.1:65536"]


def _complaint(done: Finished, code: int) -> str:
    """The complaint, every line of which has our name."""
    assert (done.code, done.out) == (code, "")
    lines = done.err.splitlines()
    assert lines
    assert all(line.startswith("wasihost: ") for line in lines), done.err
    return "\n".join(line.removeprefix("wasihost: ") for line in lines)


@pytest.mark.parametrize("words", USAGE_ERRORS.values(), ids=USAGE_ERRORS)
def test_a_wrong_command_line_exits_2_and_shows_the_usage(cli: Cli, write: Write, words: list[str]) -> None:
    write(commands.OK)
    done = cli(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("usage: wasihost")


@pytest.mark.parametrize("rule", BAD_RULES)
def test_a_bad_rule_exits_2_and_is_named(cli: Cli, write: Write, rule: str) -> None:
    option = "--allow-inbound" if "127" in rule else "--allow-outbound"
    assert f"rule {rule!r}: " in _complaint(cli("run", option, rule, write(commands.OK)), 2)


@pytest.mark.parametrize("name", ["", "a b", "127.0.0.1", "*.", "a.*"])
def test_a_bad_rule_for_names_exits_2_and_is_named(cli: Cli, write: Write, name: str) -> None:
    complaint = _complaint(cli("run", f"--allow-resolve={name}", write(commands.OK)), 2)
    assert complaint.startswith(f"rule {name!r}: expected {'the end' if ' ' in name else 'a name'}")


@pytest.mark.parametrize("limit", ["connections", "speed=1", "connections=many", "idle-timeout-s=0", "run-time-s=0"])
def test_a_bad_limit_exits_2_and_is_named(cli: Cli, write: Write, limit: str) -> None:
    name = limit.partition("=")[0]
    assert name in _complaint(cli("run", "--limit", limit, write(commands.OK)), 2).replace("_", "-")


@pytest.mark.parametrize("host", ["db=localhost", "db=10.0.0", "a b=10.0.0.1"])
def test_a_bad_host_exits_2_and_is_named(cli: Cli, write: Write, host: str) -> None:
    name, _, _ = host.partition("=")
    assert _complaint(cli("run", "--add-host", host, write(commands.OK)), 2).startswith(f"host_names: {name!r}: ")


def test_rules_beside_allow_net_are_refused(cli: Cli, write: Write) -> None:
    for rule in ("--allow-outbound=tcp://*:443", "--allow-resolve=*"):
        assert "--allow-net" in _complaint(cli("run", "--allow-net", rule, write(commands.OK)), 2)


@pytest.mark.parametrize("command", ["run", "inspect"])
@pytest.mark.parametrize(
    ("wasm", "complaint"),
    [
        pytest.param(b"", "guest.wasm is not WebAssembly", id="empty"),
        pytest.param(b"#!/bin/sh\n", "guest.wasm is not WebAssembly", id="text"),
        pytest.param(CORE_MODULE, "guest.wasm is a core module, not a component", id="core-module"),
        pytest.param(commands.OK[:-30], "is the file complete?", id="truncated"),
        pytest.param(commands.OK + b"\x7f\0", "guest.wasm is not a valid component", id="unknown-section"),
    ],
)
def test_what_is_no_component_is_told_as_what_it_is(
    cli: Cli, write: Write, command: str, wasm: bytes, complaint: str
) -> None:
    assert complaint in _complaint(cli(command, write(wasm)), 1)


@pytest.mark.parametrize("command", ["run", "inspect"])
def test_a_missing_file_is_named(cli: Cli, command: str) -> None:
    assert _complaint(cli(command, "nowhere.wasm"), 1) == "nowhere.wasm cannot be read: No such file or directory"


@pytest.mark.parametrize("command", ["run", "inspect"])
def test_a_folder_is_no_component(cli: Cli, command: str, tmp_path: Path) -> None:
    assert _complaint(cli(command, tmp_path), 1) == f"{tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize(
    "words",
    [["run"], ["inspect"], ["stubs"], ["convert", "{}", "picture.html"], ["run", "--replay", "{}", "guest.wasm"]],
    ids=lambda words: " ".join(words[:2]),
)
def test_what_may_never_end_is_not_read(cli: Cli, write: Write, tmp_path: Path, words: list[str]) -> None:
    write(commands.OK)
    os.mkfifo(tmp_path / "fifo")
    for name in ("/dev/zero", "fifo"):
        found = [word.format(name) for word in words] if "{}" in words else [*words, name]
        assert _complaint(cli(*found), 1) == f"{name} cannot be read: not a regular file"


def test_a_fifo_without_a_reader_gets_no_recording(cli: Cli, write: Write, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    done = cli("run", "--record", "fifo", write(commands.OK))
    assert _complaint(done, 1).startswith("fifo cannot be written: ")


def test_an_import_that_nothing_provides_is_named(cli: Cli, write: Write) -> None:
    done = cli("run", write(commands.importing("other:things/here@1.2.3")))
    assert _complaint(done, 1) == "nothing provides the import other:things/here@1.2.3 (f)"


def test_a_function_that_an_interface_of_ours_lacks_is_named(cli: Cli, write: Write) -> None:
    done = cli("run", write(commands.importing("wasi:cli/exit@0.3.0")))
    assert "wasi:cli/exit@0.3.0#f" in _complaint(done, 1)


INVALID_CODE = '(component {} (core module (func (export "f") (result i32))))'


@pytest.mark.slow
def test_what_is_missing_is_said_before_the_component_is_compiled(cli: Cli, write: Write) -> None:
    missing = '(import "other:things/here@1.2.3" (instance (export "f" (func))))'
    path = write(bytes(wasmtime.wat2wasm(INVALID_CODE.format(missing))))
    assert "not a command" in _complaint(cli("run", path), 1)
    assert "does not export 'g'" in _complaint(cli("run", "--invoke", "g", path), 2)
    assert "nothing provides the import other:things/here@1.2.3 (f)" in cli("inspect", path).out


@pytest.mark.parametrize("text", ["", "data::", "::/data", "d::/d::rw", "d::/d::ro::", "d::/d::ro,overlay", "d::/d::"])
def test_a_directory_is_host_guest_and_how(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--dir", text, "guest.wasm"])
    assert f"argument --dir: {text!r} is not HOST, HOST::GUEST or HOST::GUEST::HOW" in capsys.readouterr().err


def test_a_missing_directory_is_named(cli: Cli, write: Write) -> None:
    done = cli("run", "--dir", "nowhere::/data", write(commands.OK))
    assert _complaint(done, 2) == "Directory('nowhere') cannot be opened: No such file or directory"


def test_two_directories_with_one_name_are_refused(cli: Cli, write: Write) -> None:
    done = cli("run", "--dir", ".::/data", "--dir", "..::/data", write(commands.OK))
    assert _complaint(done, 2) == "--dir, --tmpfs, --zip: two of them have the name '/data' for the guest"


def test_a_missing_stdin_is_named(cli: Cli, write: Write) -> None:
    done = cli("run", "--stdin", "nowhere", write(commands.OK))
    assert _complaint(done, 1) == "nowhere cannot be read: No such file or directory"


def test_a_component_that_is_no_command_is_told_so(cli: Cli) -> None:
    complaint = _complaint(cli("run", PREBUILT / "rust-exports.wasm"), 1)
    assert "exports test:exports/api@1.0.0, but not wasi:cli/run" in complaint


def test_an_argument_that_is_no_text_is_told_when_the_guest_asks(cli: Cli, write: Write) -> None:
    done = cli("run", write(commands.ARGUMENTS), "\udcff")
    assert "wasi:cli/environment@0.3.0#get-arguments" in _complaint(done, 1)


def test_a_guest_that_waits_for_ever_is_told_as_a_deadlock(cli: Cli, write: Write) -> None:
    done = cli("run", write(commands.WAIT_FOR_EVER))
    assert "waits for ever: wasi:cli/run@0.3.0#run did not return" in _complaint(done, 1)


@pytest.mark.slow
def test_limits_of_the_guest_and_of_its_network_go_together(cli: Cli, write: Write) -> None:
    done = cli("run", "--limit", "connections=3", "--limit", "memory-bytes=64MiB", write(commands.OK))
    assert (done.code, done.err) == (0, "")
    complaint = _complaint(cli("run", "--limit", "speed=1", write(commands.OK)), 2)
    assert "connect-timeout-s" in complaint
    assert "run-time-s" in complaint
