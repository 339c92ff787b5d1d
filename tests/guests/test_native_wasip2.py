"""`rust-std-p2` and `c-libc-p2` on Wasmtime's own WASI 0.2: it is given the same as 0.3, and has no sockets."""

from __future__ import annotations

import asyncio
import functools
import io
import math
import os
import socket
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any, Literal

import pytest

from tests import shared
from tests.guests.harness import PREBUILT, Output
from tests.processes import TIMEOUT_S, run
from wasihost import Component, GuestExit, Host, LinkError, ProviderError, allow_all
from wasihost._host import native_wasip2
from wasihost._testing import run_virtual

NativeHost = functools.partial(Host, wasip2="native")


@functools.cache
def native(name: str) -> Component:
    """A fixture by its name in `prebuilt/`, compiled once in a run, whose WASI 0.2 is left to Wasmtime."""
    return NativeHost(cache=shared.cache()).load(PREBUILT / f"{name}.wasm")


@pytest.fixture(autouse=True, scope="module")
def wasi_0_2_is_started() -> None:
    """It opens files of its own at its first use, and keeps them."""
    _run_copy(b"", lambda _: None)


PROGRAM = """
import sys
from wasihost import Host
host = Host(wasip2="native", env={"CASE": "copy"}, stdin=b"hello", stdout=sys.stdout, stderr=lambda data: None)
host.run(sys.argv[1])
"""


def _run_copy(stdin: Any, stdout: Any) -> None:
    host = NativeHost(env={"CASE": "copy"}, stdin=stdin, stdout=stdout, stderr=lambda _: None)
    host.run(native("rust-std-p2"))


def _copy(stdin: Any) -> bytes:
    """What comes out of std's stdout for a stdin."""
    blocks: list[bytes] = []
    _run_copy(stdin, blocks.append)
    return b"".join(blocks)


def test_http_is_lacking() -> None:
    with pytest.raises(LinkError, match="nothing provides wasi:http"):
        NativeHost().open(PREBUILT / "rust-p2-http.wasm")


@pytest.mark.parametrize("loads", ["python", "native"])
def test_the_host_that_loads_a_component_decides_what_serves_it(loads: Literal["python", "native"]) -> None:
    component = Host(wasip2=loads).load(PREBUILT / "c-p2-bsd.wasm")
    for runs in ("python", "native"):
        printed = Output()
        host = Host(wasip2=runs, policy=allow_all, env={"CASE": "exchange"}, stdout=printed, stderr=printed)
        if loads == "python":
            host.run(component)
        else:
            with pytest.raises(GuestExit):
                host.run(component)
        assert str(printed).startswith("ok" if loads == "python" else "c/p2-bsd.c")


def test_arguments_and_variables_are_the_same_by_0_2() -> None:
    printed = Output()
    env = {"CASE": "environment", "A": "x=y", "B": "", "C": "ünï"}
    NativeHost(env=env, args=["guest", "one", "zwölf"], stdout=printed).run(native("rust-std-p2"))
    assert printed.lines == ["guest one zwölf"]


@pytest.mark.parametrize("guest", ["rust-std-p2", "rust-cli"])
@pytest.mark.parametrize(
    ("env", "args", "named"),
    [
        ({"GOOD": "ü", "BAD": "secret\udcff"}, [], "the variable 'BAD' is not UTF-8"),
        ({"BAD\udcff": "secret"}, [], r"the variable name 'BAD\udcff' is not UTF-8"),
        ({}, ["guest", "\udcff"], r"the argument '\udcff' is not UTF-8"),
    ],
)
def test_what_is_not_utf_8_is_named(guest: str, env: dict[str, str], args: list[str], named: str) -> None:
    host = NativeHost(args=args, env={"CASE": "environment"} | env)
    with pytest.raises(ProviderError) as caught:
        host.run(native(guest))
    assert named in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"hello", bytes(range(256)) * 4096], ids=len)
def test_bytes_are_stdin_of_0_2_too(data: bytes) -> None:
    assert _copy(data) == data


def test_files_and_pipes_are_stdin_of_0_2_too(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"from a file")
    with (tmp_path / "in").open("rb") as file:
        assert _copy(file) == b"from a file"
        assert _copy(file.fileno()) == b"from a file"
    reader, writer = os.pipe()
    os.write(writer, b"from a pipe")
    os.close(writer)
    assert _copy(reader) == b"from a pipe"
    os.close(reader)


def test_what_the_c_api_cannot_open_is_an_empty_stdin_of_0_2() -> None:
    assert _copy(io.BytesIO(b"hello")) == b""
    here, there = socket.socketpair()
    with here, there:
        assert _copy(here.fileno()) == b""


def test_outputs_of_every_kind_get_what_0_2_writes(tmp_path: Path) -> None:
    text, binary = io.StringIO(), io.BytesIO()
    _run_copy(b"hello", text)
    _run_copy(b"hello", binary)
    assert (text.getvalue(), binary.getvalue()) == ("hello", b"hello")
    with (tmp_path / "out").open("w") as file:
        _run_copy(b"hello", file)
    assert (tmp_path / "out").read_text() == "hello"


async def test_an_exception_of_an_output_comes_out_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_wasip2, "_PATIENCE_S", math.inf)  # does not keep the output that raised it

    def fail(_: bytes) -> None:
        raise KeyError("mine")

    host = NativeHost(env={"CASE": "copy"}, stdin=b"hello", stdout=fail, stderr=lambda _: None)
    with pytest.raises(KeyError, match="mine"):
        await host.run_async(native("rust-std-p2"))


def test_time_passes_in_a_sleep_of_0_2() -> None:
    NativeHost(env={"CASE": "clocks"}).run(native("rust-std-p2"))


def test_an_exit_by_0_2_reaches_the_embedder() -> None:
    with pytest.raises(GuestExit) as caught:
        NativeHost(env={"CASE": "exit"}).run(native("rust-std-p2"))
    assert caught.value.code == 1


def test_sockets_of_0_2_stay_denied_whatever_the_policy() -> None:
    printed = Output()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        NativeHost(env={"PORT": port}, policy=allow_all, stdout=printed).run(native("c-libc-p2"))
    assert str(printed) == "denied\n"


@pytest.mark.slow
def test_a_process_can_end_right_after_such_a_guest() -> None:
    for _ in range(5):
        done = run("-c", PROGRAM, str(PREBUILT / "rust-std-p2.wasm"))
        assert (done.returncode, done.stdout, done.stderr) == (0, "hello", "")


CLOSED = """
import sys
from wasihost import Host
with open(sys.argv[2], "wb") as file:
    Host(wasip2="native", env={"CASE": "copy"}, stdin=b"hello", stderr=lambda data: None).run(sys.argv[1])
    sys.exit(file.fileno())
"""


@pytest.mark.slow
def test_without_a_stdout_of_this_process_0_2_writes_nowhere(tmp_path: Path) -> None:
    words = [sys.executable, "-c", CLOSED, str(PREBUILT / "rust-std-p2.wasm"), str(tmp_path / "file")]
    done = subprocess.run(words, preexec_fn=lambda: os.close(1), capture_output=True, timeout=TIMEOUT_S, check=False)
    assert (done.returncode, done.stderr) == (1, b"")  # the file had stdout's number
    assert (tmp_path / "file").read_bytes() == b""


def test_the_wait_for_outputs_to_be_gone_takes_no_virtual_time() -> None:
    async def wait() -> float:
        loop = asyncio.get_running_loop()
        outputs = [lambda data: len(data)]
        native = object.__new__(native_wasip2.Native)
        native._outputs = [weakref.ref(outputs[0])]
        loop.call_soon(loop.call_soon, loop.call_soon, outputs.clear)
        await native._outputs_gone()
        assert outputs == []
        return loop.time()

    assert run_virtual(wait()) == 0
