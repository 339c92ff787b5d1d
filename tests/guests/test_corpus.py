"""Every guest there is, from every toolchain: it runs, or fails with the reason that the table names.

Prebuilt fixtures, and real guests where that folder is beside this repository. A row says what a guest needs and what
comes of it; a guest without a row runs, with an echo server as ADDRESS. All are on a virtual network of their own, and
have a directory at /data.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import shared
from tests.guests.exports import HOST as EXPORTS_HOST
from tests.guests.exports import Sleeper
from tests.guests.harness import FIXTURES, PREBUILT, Output
from tests.guests.http import whole
from tests.guests.kv import STORE, Store
from tests.guests.test_calls import HOST as CALLS_HOST
from tests.guests.test_calls import CallsHost
from tests.guests.test_exports_streams import Provider as StreamsHost
from wasihost import Cache, GuestExit, Host, LinkError, Policy, allow_all, deny_all
from wasihost._host.serving import serve_handler
from wasihost._http.messages import Request
from wasihost._network.virtual import VirtualNetwork
from wasihost._testing import virtual_loop

REAL = FIXTURES.parents[1] / "shared/real-guests"
STDIN = b"0123456789abcdef and more"
TEXT = "some text"  # of /data/x.txt
ECHO_PORT, HTTP_PORT = 7707, 7708  # as real guests expect them
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True)
class Row:
    """What a guest needs, and what comes of it."""

    env: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ("guest",)
    stdin: bytes = b""
    policy: Policy = allow_all
    providers: Mapping[str, object] = field(default_factory=dict)
    call: tuple[Any, ...] = ()
    """The export to call, and its arguments, of a guest that is not a command."""
    request: str | None = None
    """The path to ask for, of a guest that serves HTTP."""
    prints: tuple[str, ...] = ()
    """What is in its output, in what `call` gives, or in its answer."""
    fails: type[Exception] | None = None
    why: str = ""
    """What is in the text of that exception, or in the guest's output."""


class Log:
    def log(self) -> None: ...


class Letters:
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"abc"


TABLE = {
    "real/c-sockets-p2": Row(
        stdin=STDIN,
        prints=(
            "argc 1 argv0 guest",
            "line 0123456789abcdef",
            f"file {TEXT}",
            "poll 1 revents 1",
            "recv 7 hello C",
            "end",
        ),
    ),
    "real/go-hello-p1-adapted": Row(
        prints=("go args [guest]", "slept 200ms true", "file <nil>", "\n7\n"),
        fails=GuestExit,
        why="code 1",
    ),
    "real/js-quickjs": Row(call=("hello", "you"), prints=("Hello you true",)),
    "real/js-starlingmonkey": Row(call=("hello", "you"), prints=("Hello you true",)),
    "real/nested-plain-lowers": Row(providers={"": Log()}, call=("go",)),
    "real/python-net-p2": Row(
        prints=(
            "getaddrinfo ok 2",
            "socket ok b'hello'",
            "listen ok True",
            "udp ok b'x'",
            "urllib ok 204",
            "asyncio.sleep ok 0.1",
            "asyncio.open_connection ok b'hi'",
            f"open ok {TEXT}",
            "listdir ok ['x.txt']",
        ),
        fails=GuestExit,
        why="code 1",
    ),
    "real/rust-async-p3": Row(
        {"PORT": f"{ECHO_PORT}"},
        prints=("20 connects: ok 20 bytes 2100000", "dead: Err(ErrorCode::ConnectionRefused)", "spawned sum 3"),
    ),
    "real/rust-http-p3": Row({"AUTHORITY": f"127.0.0.1:{HTTP_PORT}"}, request="/out", prints=("upstream 204",)),
    "real/rust-net-p2": Row(args=("guest", "listen"), prints=('listen: Ok("[120]")',)),
    "real/rust-std-p2": Row(
        prints=(
            'args ["guest"]',
            "slept 2",
            "map 10",
            'tcp: ok ("hello", 127.0.0.1:7707)',
            "listen: ok [120]",
            "udp: ok 2",
            "resolve: ok 2",
            "write: ok ()",
            f'read: ok "{TEXT}"',
            "readdir: ok 2",
        )
    ),
    "prebuilt/c-cli-methods": Row(stdin=STDIN, prints=("ok ",)),
    "prebuilt/c-http": Row(request="/", prints=("404",)),
    "prebuilt/c-p2-http": Row(request="/", prints=("404",)),
    "prebuilt/c-libc-p2": Row(policy=deny_all, prints=("denied",)),
    "prebuilt/rust-bin-p3": Row({"MAIN": "panic"}, prints=("run of WASI 0.3",)),
    "prebuilt/rust-calls": Row(providers={CALLS_HOST: CallsHost()}, call=("test:calls/api#repeat", "next", 3)),
    "prebuilt/rust-cat": Row(stdin=STDIN, prints=(STDIN.decode(),)),
    "prebuilt/rust-cli": Row(stdin=STDIN, prints=("ok stdin-continued",)),
    "prebuilt/rust-cloud": Row(fails=LinkError, why="nothing provides wasi:keyvalue"),
    "prebuilt/rust-clocks": Row({"CASE": "many"}, prints=("ok many",)),
    "prebuilt/rust-echo-server": Row({"ADDRESS": "127.0.0.1:0", "CONNECTIONS": "0"}, prints=("listening on",)),
    "prebuilt/rust-everything": Row({"MS": "10"}, stdin=bytes(range(256)), prints=("datagrams",)),
    "prebuilt/rust-exports": Row(
        providers={EXPORTS_HOST: Sleeper()}, call=("test:exports/api#divide", 7, 2), prints=("(3, 1)",)
    ),
    "prebuilt/rust-grpc": Row(request="/", prints=("200",)),
    "prebuilt/rust-http": Row(request="/", prints=("404",)),
    "prebuilt/rust-http-gate": Row(fails=LinkError, why="not a command"),
    "prebuilt/rust-kv-client": Row(providers={STORE: Store()}),
    "prebuilt/rust-notes": Row(request="/", prints=("404",)),
    "prebuilt/rust-order": Row(fails=GuestExit, why="usage: order PRICES LEDGER"),
    "prebuilt/rust-p2-io": Row({"FRUIT": "apple"}, ("guest", "one"), b"0123456789", prints=("ok stdin",)),
    "prebuilt/rust-p2-http": Row(request="/", prints=("404",)),
    "prebuilt/rust-report": Row(fails=GuestExit, why="usage: report TABLE FOLDER"),
    "prebuilt/rust-std-p2": Row({"CASE": "environment"}, prints=("guest",)),
    "prebuilt/rust-streams": Row(
        providers={"test:streams/host": StreamsHost()}, call=("test:streams/api#total", Letters()), prints=("(3, 294)",)
    ),
    "prebuilt/rust-udp-echo": Row({"MESSAGES": "0"}, prints=("listening on",)),
}
SLOW = {"real/go-hello-p1-adapted", "real/js-quickjs", "real/js-starlingmonkey", "real/python-net-p2"}


def guests() -> list[Any]:
    found = {f"prebuilt/{path.stem}": path for path in PREBUILT.glob("*.wasm")}
    found |= {f"real/{path.name.partition('.')[0]}": path for path in REAL.glob("*.wasm*")}
    marks = {name: [pytest.mark.slow] for name in SLOW}
    return [pytest.param(name, path, id=name, marks=marks.get(name, [])) for name, path in sorted(found.items())]


@pytest.mark.parametrize(("name", "path"), guests())
def test_runs_or_fails_for_a_reason(name: str, path: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    assert request.config.cache is not None
    # For the next run: some of the real ones take ten seconds to compile.
    kept = Cache(request.config.cache.mkdir("guests"))
    cache = kept if name.startswith("real/") else shared.cache()
    wasm = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    row = TABLE.get(name, Row())
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        error, printed = runner.run(_run(wasm, row, cache, tmp_path))
    assert type(error) is (row.fails or type(None)), f"{error}\n{printed}"
    assert row.why in f"{error}\n{printed}"
    for words in row.prints:
        assert words in printed


async def _run(wasm: bytes, row: Row, cache: Cache, data: Path) -> tuple[Exception | None, str]:
    """How it ended, and what it printed or gave."""
    printed = Output()
    (data / "x.txt").write_text(TEXT, encoding="utf-8")
    network = VirtualNetwork()
    network.guest.serve(ECHO_PORT, lambda data: data)
    network.guest.serve(HTTP_PORT, lambda _: NO_CONTENT)
    host = Host(
        policy=row.policy,
        network=network,
        env={"ADDRESS": f"127.0.0.1:{ECHO_PORT}", **row.env},
        args=row.args,
        stdin=row.stdin or None,
        stdout=printed,
        stderr=printed,
        files={"/data": data},
        providers=row.providers,
        cache=cache,
    )
    try:
        if row.request is not None:
            return None, await _answer(host, wasm, row.request)
        if not row.call:
            await host.run_async(wasm)
            return None, str(printed)
        async with host.open(wasm) as instance:
            return None, f"{printed}{await instance.call(*row.call)}"
    except Exception as error:
        return error, str(printed)


async def _answer(host: Host, wasm: bytes, path: str) -> str:
    """Status and content of what a guest answers."""
    component = host.load(wasm)
    async with host.open(component) as instance:
        response = await serve_handler(component, instance)(Request(path=path, scheme="http", authority="here"))
        found, _ = await whole(response)
        return f"{response.status} {found.decode()}"
