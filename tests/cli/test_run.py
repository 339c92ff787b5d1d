"""`wasihost run`: what passes through, exit codes, permissions, interruption."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from tests.cli import commands
from tests.cli.conftest import PREBUILT, Cli
from tests.processes import TIMEOUT_S

Write = Callable[..., str]

TELL = Path(__file__).with_name("tell.wat").read_text()
ECHO_SERVER = PREBUILT / "rust-echo-server.wasm"
RANDOM = PREBUILT / "rust-random.wasm"
ECHO_CLIENT = PREBUILT / "c-echo-client.wasm"


@pytest.fixture
def tell(write: Write) -> str:
    """A guest that prints its arguments, its environment on stderr, and then its stdin."""
    return write(wasmtime.wat2wasm(TELL), "tell.wasm")


# ---- what passes through


def test_arguments_are_the_file_name_and_every_word_after_it(cli: Cli, tell: str) -> None:
    words = ["one", "--help", "--env", "A=B", "--", "-x", "", "two words", "ünï"]
    assert cli("run", cli.folder / tell, *words).out.split("\n")[:-1] == ["tell.wasm", *words]


def test_two_dashes_may_stand_before_the_component(cli: Cli, tell: str) -> None:
    assert cli("run", "--", tell, "--", "x").out == "tell.wasm\n--\nx\n"


def test_the_environment_is_what_env_sets_and_nothing_else(cli: Cli, tell: str) -> None:
    done = cli("run", "--env", "A=1", "--env=B=", "--env", "C=x=y", tell)
    assert done.err == "A\n1\nB\n\nC\nx=y\n"


def test_the_environment_of_this_process_is_inherited_on_request(cli: Cli, tell: str) -> None:
    done = cli("run", "--inherit-env", "--env", "PATH=mine", tell)
    assert "ONLY_OF_THE_HOST\n1\n" in done.err
    assert "PATH\nmine\n" in done.err


def test_a_variable_without_a_value_is_inherited(cli: Cli, tell: str) -> None:
    done = cli("run", "--env", "ONLY_OF_THE_HOST", "--env", "NOT_THERE_EITHER", tell)
    assert done.err == "ONLY_OF_THE_HOST\n1\n"


def test_of_variables_with_one_name_the_last_counts(cli: Cli, tell: str) -> None:
    assert cli("run", "--env", "A=1", "--env", "B=2", "--env", "A=3", tell).err == "A\n3\nB\n2\n"


def test_the_first_argument_can_be_another(cli: Cli, tell: str) -> None:
    assert cli("run", "--argv0", "busy/box", tell, "x").out == "busy/box\nx\n"


@pytest.mark.parametrize("words", [[], ["--env", "A=1"], ["--"]])
def test_run_may_be_left_out(cli: Cli, tell: str, words: list[str]) -> None:
    assert cli(*words, tell, "run").out == "tell.wasm\nrun\n"


def test_a_component_may_be_text(cli: Cli) -> None:
    (cli.folder / "tell.wat").write_text(TELL)
    assert cli("run", "tell.wat", "x").out == "tell.wat\nx\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-S", "inherit-network"], "inherit-network is --allow-net"),
        (["-Sp3=y,inherit-network=y"], "p3 is always on: leave it out; inherit-network is --allow-net"),
        (["-Wtimeout=3s"], "timeout is --limit run-time-s=N"),
        (["-W", "component-model-async=y"], "component-model-async is always on: leave it out"),
        (["-S", "nn"], "nn is not in wasihost"),
    ],
)
def test_an_option_of_wasmtime_is_refused_with_what_replaces_it(cli: Cli, words: list[str], told: str) -> None:
    done = cli("run", *words, "guest.wasm")
    assert done.code == 2
    assert f"this is an option of Wasmtime's command line: {told}\n" in done.err


def test_stdin_can_be_a_file_by_name(cli: Cli, tell: str) -> None:
    (cli.folder / "in").write_text("from a file")
    assert cli("run", "--stdin", "in", tell, stdin="not this").out == "tell.wasm\nfrom a file"


@pytest.mark.slow
def test_a_seed_makes_two_runs_the_same(cli: Cli) -> None:
    outs = [cli("run", *seed, "--env", "CASE=print", RANDOM).out for seed in (["--seed", "7"], ["--seed=7"], [])]
    assert outs[0] == outs[1] != outs[2]


def test_stdin_is_the_guests(cli: Cli, tell: str) -> None:
    text = "line\n" * 100_000
    assert cli.finish(cli.start("run", tell), text).out == "tell.wasm\n" + text


def test_stdin_and_stdout_can_be_files(cli: Cli, tell: str) -> None:
    (cli.folder / "in").write_text("from a file")
    with (cli.folder / "in").open() as given, (cli.folder / "out").open("w") as taken:
        process = cli.start("run", tell, stdin=given, stdout=taken)
        assert process.wait(TIMEOUT_S) == 0
    assert (cli.folder / "out").read_text() == "tell.wasm\nfrom a file"


# ---- exit codes


@pytest.mark.parametrize(
    ("wasm", "code"),
    [
        pytest.param(commands.OK, 0, id="ok"),
        pytest.param(commands.ERR, 1, id="err"),
        *(pytest.param(commands.exit_with(code), code, id=f"exit-{code}") for code in (0, 1, 7, 255)),
        pytest.param(commands.exit_with(7, "wasi:cli/exit@0.2.12"), 7, id="exit-of-wasi-0.2"),
    ],
)
def test_the_exit_code_is_the_guests(cli: Cli, write: Write, wasm: bytes, code: int) -> None:
    done = cli("run", write(wasm))
    assert (done.code, done.out, done.err) == (code, "", "")


def test_a_trap_exits_134_and_shows_the_wasm_backtrace(cli: Cli, write: Write) -> None:
    done = cli("run", write(commands.TRAP))
    assert done.code == 134
    assert done.err.startswith("wasihost: the guest trapped: ")
    assert "code!<wasm function 0>" in done.err
    assert "wasm `unreachable` instruction executed" in done.err
    assert "Traceback" not in done.err


# ---- permissions


@pytest.mark.slow
def test_no_network_is_allowed_by_default(cli: Cli) -> None:
    done = cli("run", "--env", "CASE=denied", PREBUILT / "rust-tcp-states.wasm")
    assert (done.code, done.out) == (0, "ok denied\n")


def test_a_refused_guest_sees_access_denied(cli: Cli) -> None:
    done = cli("run", ECHO_SERVER)
    assert done.code == 1
    assert "access-denied" in done.err


def listening(server: subprocess.Popen[str]) -> str:
    """The address that the echo server prints."""
    assert server.stdout
    words = server.stdout.readline().split()
    assert words[:2] == ["listening", "on"]
    return words[2]


@pytest.mark.parametrize("allow", ["--allow-net", "--allow-inbound=tcp://127.0.0.1:*"])
def test_a_server_listens_where_it_is_allowed(cli: Cli, allow: str) -> None:
    server = cli.start("run", allow, "--env", "CONNECTIONS=1", ECHO_SERVER)
    host, _, port = listening(server).rpartition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
        connection.sendall(b"to and fro")
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").read() == b"to and fro"
    assert server.wait(TIMEOUT_S) == 0


@pytest.mark.slow
@pytest.mark.parametrize("allow", ["--allow-net", "--allow-outbound=tcp://127.0.0.0/8:*"])
def test_a_client_connects_where_it_is_allowed(cli: Cli, allow: str) -> None:
    server = cli.start("run", "--allow-net", "--env", "CONNECTIONS=1", ECHO_SERVER)
    done = cli("run", allow, "--env", f"ADDRESS={listening(server)}", ECHO_CLIENT)
    assert (done.code, done.err) == (0, "")
    assert server.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize(
    "allow",
    ["--allow-outbound=tcp://127.0.0.1:*", "--allow-inbound=tcp://127.0.0.1:1", "--allow-inbound=tcp://[::1]:*"],
)
def test_other_rules_do_not_help(cli: Cli, allow: str) -> None:
    done = cli("run", allow, ECHO_SERVER)
    assert done.code == 1
    assert "access-denied" in done.err


UDP_RULES = ["--allow-inbound=udp://127.0.0.1:*", "--allow-outbound=udp://127.0.0.0/8:*"]


@pytest.mark.parametrize("allow", [["--allow-net"], UDP_RULES])
def test_a_guest_answers_datagrams_where_it_is_allowed(cli: Cli, allow: list[str]) -> None:
    server = cli.start("run", *allow, "--env", "MESSAGES=1", PREBUILT / "rust-udp-echo.wasm")
    host, _, port = listening(server).rpartition(":")
    with socket.socket(type=socket.SOCK_DGRAM) as peer:
        peer.settimeout(TIMEOUT_S)
        peer.sendto(b"to and fro", (host, int(port)))
        assert peer.recv(100) == b"to and fro"
    assert server.wait(TIMEOUT_S) == 0


def _printed(cli: Cli, name: str, *options: str) -> str:
    """What the guest hears about a name."""
    guest = PREBUILT / "rust-resolve.wasm"
    return cli("run", *options, "--env", "CASE=print", "--env", f"NAME={name}", guest).out.removesuffix("ok print\n")


@pytest.mark.slow
def test_a_guest_hears_of_hosts_and_of_names_that_are_allowed(cli: Cli) -> None:
    options = [
        "--add-host",
        "api=10.0.0.2",
        "--add-host",
        "db=10.0.0.1",
        "--add-host",
        "API=::1",
        "--allow-resolve=localhost",
    ]
    assert _printed(cli, "api", *options) == "10.0.0.2\n::1\n"
    assert _printed(cli, "example.com", *options) == "access-denied\n"
    assert set(_printed(cli, "localhost", *options).split()) <= {"127.0.0.1", "::1"}
    assert set(_printed(cli, "localhost", "--allow-net").split()) <= {"127.0.0.1", "::1"}


# ---- interruption


def test_interrupting_a_guest_that_waits_exits_130_without_a_word(cli: Cli) -> None:
    server = cli.start("run", "--allow-net", ECHO_SERVER)
    listening(server)
    server.send_signal(signal.SIGINT)
    assert server.communicate(timeout=TIMEOUT_S) == ("", "")
    assert server.returncode == 130


def test_interrupting_a_guest_that_computes_exits_130(cli: Cli, write: Write) -> None:
    end = "(i32.load8_u (i32.const 32))"
    assert end in TELL
    endless = TELL.replace(end, "(loop $for-ever (br $for-ever)) unreachable")
    process = cli.start("run", write(wasmtime.wat2wasm(endless), "endless.wasm"), stdin=subprocess.DEVNULL)
    assert process.stdout
    assert process.stdout.readline() == "endless.wasm\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=TIMEOUT_S) == ("", "")
    assert process.returncode == 130


def test_a_guest_that_takes_too_long_exits_124(cli: Cli, write: Write) -> None:
    done = cli("run", "--limit", "run-time-s=0.1", write(commands.command("(loop $again (br $again)) i32.const 0")))
    assert done.code == 124
    assert "the guest took longer: the limit run_time_s is 0.1" in done.err
