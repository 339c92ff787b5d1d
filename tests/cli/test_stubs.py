"""`wasihost stubs`: what it writes passes mypy, is what the machine takes and gives, and refuses wrong use."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from tests.cli.conftest import PREBUILT, Cli
from tests.processes import TIMEOUT_S
from wasihost import MissingExtraError
from wasihost._commands.stubs import wit

ROOT = Path(__file__).parents[2]
Write = Callable[..., str]

PROGRAM = f"""
import asyncio
import exports_stub
import kv_stub
import streams_stub
import sync_stub
from collections.abc import AsyncIterator, Awaitable
from dataclasses import asdict
from typing import assert_never
from wasihost import Err, Host, Ok, Some, GuestValueStream, WitError

FOLDER = {str(PREBUILT)!r}


class Sleeper(exports_stub.HostProvider):
    async def sleep(self, ms: int) -> None:
        pass


class Ticket(streams_stub.TicketResource):
    def __init__(self, number: int) -> None:
        self._number = number

    def number(self) -> int:
        return self._number


class Tickets(streams_stub.HostProvider):
    Ticket = Ticket


class KvBucket(kv_stub.BucketResource):
    def __init__(self, store: "Store", name: str) -> None:
        self._name = name
        self.entries: dict[str, kv_stub.Entry] = store.entries

    async def get(self, key: str) -> bytes:
        if key not in self.entries:
            raise WitError(kv_stub.KvErrorNotFound(key))
        return bytes(self.entries[key].value)

    def set(self, key: str, value: bytes) -> int:
        self.entries[key] = kv_stub.Entry(key, value, 1)
        return 1

    def name(self) -> str:
        return self._name


class Store(kv_stub.StoreProvider):
    Bucket = KvBucket

    def __init__(self) -> None:
        self.entries: dict[str, kv_stub.Entry] = {{}}

    async def open(self, name: str) -> KvBucket:
        return KvBucket(self, name)

    async def list_entries(self, prefix: str) -> AsyncIterator[kv_stub.Entry]:
        for entry in self.entries.values():
            yield entry

    async def watch(self, bucket: kv_stub.BucketResource, keys: GuestValueStream[str]) -> Awaitable[int]:
        return self.count(keys)

    async def count(self, keys: GuestValueStream[str]) -> int:
        return len([key async for key in keys])


async def letters() -> AsyncIterator[bytes]:
    yield b"abc"


async def words() -> AsyncIterator[str]:
    yield "up"


async def tickets() -> AsyncIterator[Ticket]:
    yield Ticket(1)
    yield Ticket(2)


def described(shape: exports_stub.Shape) -> str:
    match shape:
        case exports_stub.ShapeCircle(radius):
            return f"circle of {{radius:.1f}}"
        case exports_stub.ShapePolygon(value=points):
            return f"{{len(points)}} points"
        case exports_stub.ShapeNamed():
            return shape.case + shape.value.upper()
        case exports_stub.ShapeNothing():
            return shape.case
        case _:
            assert_never(shape)


async def call_exports() -> None:
    host = Host(providers={{"test:exports/host": Sleeper()}})
    async with host.open(FOLDER + "/rust-exports.wasm", exports=exports_stub.World) as instance:
        api = instance.exports.api
        assert api is instance.exports.api
        circle = await api.echo_shape(exports_stub.ShapeCircle(1.5))
        assert asdict(circle) == {{"case": "circle", "value": 1.5}}
        assert (described(circle), described(exports_stub.ShapeNothing())) == ("circle of 1.5", "nothing")
        assert repr(circle) == "ShapeCircle(value=1.5)"
        quotient, rest = await api.divide(7, 2)
        assert quotient + rest == 4
        home = exports_stub.Point(1, 2)
        person = await api.echo_person(exports_stub.Person("Ada", 36, home, ["a"]))
        assert isinstance(person, exports_stub.Person) and person.home == home
        shape = await api.echo_shape(exports_stub.ShapePolygon([home]))
        assert isinstance(shape, exports_stub.ShapePolygon) and shape.value == [home]
        assert await api.echo_color(exports_stub.Color.RED) is exports_stub.Color.RED
        both = exports_stub.Permissions.READ | exports_stub.Permissions.WRITE
        assert await api.echo_permissions(both) == both
        assert await api.echo_option_option(Some(None)) == Some(None)
        assert await api.echo_result(Ok(3)) == 3
        try:
            await api.echo_result(Err("no"))
        except WitError as error:
            assert error.value == "no"
        assert await api.echo_nested([(exports_stub.ShapeNothing(), Ok(person))])
        counter = await exports_stub.Counter.new(api, 40)
        assert await counter.add(2) == 42
        async with await exports_stub.Counter.new(api, 1) as other:
            assert await other.value() == 1
        assert await (await exports_stub.Counter.merge(api, counter, await api.new_counter(1))).value() == 43
        numbers, total = await api.count_to(4)
        assert sum([number async for number in numbers]) == await total


async def call_streams() -> None:
    async with Host(providers={{"test:streams/host": Tickets()}}).open(FOLDER + "/rust-streams.wasm") as instance:
        api = streams_stub.Api(instance)
        assert (await api.total(letters()))[0] == 3
        assert (await (await api.copy(letters())).read()).decode() == "abc"
        assert [word.lower() async for word in await api.upper(words())] == ["up"]
        assert await api.store(streams_stub.Upload("a", letters(), None)) == ("a", 3, None)
        odd = [ticket async for ticket in await api.odd(tickets())]
        assert [ticket.number() for ticket in odd] == [1]


def call_without_a_loop() -> None:
    host = Host(providers={{"test:exports/host": Sleeper()}})
    with host.open_sync(FOLDER + "/rust-exports.wasm", exports=sync_stub.World) as instance:
        api = instance.exports.api
        quotient, rest = api.divide(7, 2)
        assert quotient + rest == 4
        shape: sync_stub.Shape = api.echo_shape(sync_stub.ShapeCircle(1.5))
        assert isinstance(shape, sync_stub.ShapeCircle)
        with sync_stub.Counter.new(api, 40) as counter:
            assert counter.add(2) + 1 == 43
        numbers, total = api.count_to(4)
        assert sum(instance.run(numbers.read(9))) == instance.run(total)


call_without_a_loop()
asyncio.run(call_exports())
asyncio.run(call_streams())
try:
    Host(providers={{"example:kv/store": Store()}}).run(FOLDER + "/rust-kv-client.wasm")
finally:
    print("ran")
"""

WRONG = """
import exports_stub
import kv_stub
import streams_stub
from typing import assert_never
from wasihost import Instance


async def wrong(api: exports_stub.Api, streams: streams_stub.Api) -> None:
    await api.divide("7", 2)  # wrong
    await api.echo_point(exports_stub.Point(1))  # wrong
    await api.echo_color(exports_stub.Permissions.READ)  # wrong
    await api.echo_strings("text", "more")  # wrong
    text: str = await api.echo_u32(1)  # wrong
    await api.unknown()  # wrong
    await streams.total(b"abc")  # wrong
    await streams.wait_for("now")  # wrong


async def forgotten(instance: Instance[exports_stub.World], shape: exports_stub.Shape) -> str:
    await instance.exports.app.divide(7, 2)  # wrong
    match shape:
        case exports_stub.ShapeCircle(value) | exports_stub.ShapeNamed(value):
            return str(value)
        case exports_stub.ShapePolygon():
            return "polygon"
        case _:
            assert_never(shape)  # wrong


class Incomplete(exports_stub.HostProvider):
    pass


class Different(exports_stub.HostProvider):
    async def sleep(self, ms: str) -> None:  # wrong
        pass


Incomplete()  # wrong
"""

# Names that Python or the module itself uses for something else.
NAMES = """(component
  (import "test:names/any" (instance $any
    (export "sequence" (type $sequence (sub resource)))
    (type $record (record (field "str" string) (field "class" (list string)) (field "int" (option u8))))
    (export "dict" (type $dict (eq $record)))
    (type $variant (variant (case "str" $dict) (case "none") (case "case" (tuple u8))))
    (export "literal" (type $literal (eq $variant)))
    (export "[constructor]sequence" (func (param "self" string) (result (own $sequence))))
    (export "[method]sequence.list" (func (param "self" (borrow $sequence)) (param "x" (list string)) (result $dict)))
    (export "[static]sequence.len" (func (param "provider" string)))
    (export "list" (func (param "self" (list $literal)) (result (list string))))
    (export "bytes" (func (param "bytes" (list u8)) (result (stream u8))))
    (export "type" (func async (param "type" (own $sequence)) (result (future $dict))))))
  (import "test:other/any@2.0.0" (instance (type $e (enum "a" "import")) (export "dict" (type $d (eq $e)))
    (export "f" (func (result $d)))))
  (import "run" (func (param "x" (stream)) (result (result))))
)"""


def _mypy(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    options = ["--strict", "--config-file", str(ROOT / "pyproject.toml"), "--no-warn-unreachable"]
    return subprocess.run(
        [sys.executable, "-m", "mypy", *options, *files],
        cwd=folder,
        env={"MYPYPATH": f"{folder}:{ROOT / 'host'}", "PATH": "", "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")},
        text=True,
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_S,
        check=False,
    )


def _write_stubs(cli: Cli) -> None:
    for name in ("exports", "streams", "kv-client"):
        done = cli("stubs", PREBUILT / f"rust-{name}.wasm")
        assert (done.code, done.err) == (0, "")
        (cli.folder / f"{name.partition('-')[0]}_stub.py").write_text(done.out)
    assert cli("stubs", "--sync", PREBUILT / "rust-exports.wasm", "-o", cli.folder / "sync_stub.py").code == 0


@pytest.mark.slow
def test_what_is_written_passes_mypy_and_is_true_at_run_time(cli: Cli, write: Write) -> None:
    _write_stubs(cli)
    (cli.folder / "program.py").write_text(PROGRAM)
    (cli.folder / "sockets_stub.py").write_text(cli("stubs", "--all", PREBUILT / "rust-two-versions.wasm").out)
    (cli.folder / "names_stub.py").write_text(cli("stubs", write(bytes(wasmtime.wat2wasm(NAMES)))).out)
    done = _mypy(cli.folder, "program.py", "sockets_stub.py", "names_stub.py")
    assert done.returncode == 0, done.stdout
    ran = subprocess.run(
        [sys.executable, "-W", "error", "program.py"], cwd=cli.folder, text=True, capture_output=True, timeout=TIMEOUT_S
    )
    assert "ran" in ran.stdout, ran.stderr
    assert "Traceback" not in ran.stderr.replace("GuestExit", ""), ran.stderr
    subprocess.run([sys.executable, "-c", "import names_stub, sockets_stub"], cwd=cli.folder, check=True)


@pytest.mark.slow
def test_wrong_use_is_an_error_of_mypy(cli: Cli) -> None:
    _write_stubs(cli)
    (cli.folder / "wrong.py").write_text(WRONG)
    found = {int(line) for line in re.findall(r"wrong\.py:(\d+): error", _mypy(cli.folder, "wrong.py").stdout)}
    assert found == {n for n, line in enumerate(WRONG.splitlines(), 1) if line.endswith("# wrong")}


def test_docstrings_carry_the_wit(cli: Cli) -> None:
    out = cli("stubs", PREBUILT / "rust-exports.wasm").out
    assert '"""WIT: `divide: func(dividend: u32, divisor: u32) -> result<tuple<u32, u32>, string>`' in out
    assert '"""record point { x: s32, y: s32 }"""' in out
    assert '"""WIT: `merge: static func(left: counter, right: counter) -> counter`"""' in out


@pytest.mark.slow
def test_interfaces_of_wasi_are_left_out_unless_wanted(cli: Cli) -> None:
    plain = cli("stubs", PREBUILT / "rust-kv-client.wasm").out
    assert "class StoreProvider(Protocol)" in plain
    assert "Stdout" not in plain
    assert "class StdoutProvider(Protocol)" in cli("stubs", "--all", PREBUILT / "rust-kv-client.wasm").out


WIT = """package my:app@1.0.0;
interface store {
  resource bucket { get: async func(key: string) -> list<u8>; }
  variant err { gone, other(string) }
  open: async func(name: string) -> result<bucket, err>;
}
interface long {
  type one = result<list<string>, list<u8>>;
  type two = result<tuple<string, string>, result<list<u64>, string>>;
  variant many { a-case-with-a-long-name(two), another-case-with-a-long-name(one), the-third(list<two>) }
  f: func(the-first-argument: result<option<list<string>>, list<two>>, many: many) -> tuple<one, two>;
}
world app {
  import store; import long;
  export long; export api: interface { divide: func(a: u32, b: u32) -> tuple<u32, u32>; }
}
world other { import store; }
"""


@pytest.mark.slow
def test_what_is_written_is_clean_for_ruff(cli: Cli, write: Write) -> None:
    _write_stubs(cli)
    for name in ("everything", "http"):
        done = cli("stubs", "--all", PREBUILT / f"rust-{name}.wasm", "-o", cli.folder / f"{name}_stub.py")
        assert (done.code, done.out, done.err) == (0, "", "")
    assert cli("stubs", write(bytes(wasmtime.wat2wasm(NAMES))), "--output", cli.folder / "names_stub.py").code == 0
    (cli.folder / "app.wit").write_text(WIT)
    assert cli("stubs", cli.folder / "app.wit", "--world", "app", "-o", cli.folder / "app_stub.py").code == 0
    ruff = Path(sys.executable).with_name("ruff")
    for command in (["check", "--extend-select", "I,UP,B,RUF,SIM,RET,PIE,C4"], ["format", "--check"]):
        ran = subprocess.run([ruff, *command, "--isolated", cli.folder], text=True, capture_output=True, check=False)
        assert ran.returncode == 0, ran.stdout


def test_stubs_come_from_a_folder_of_wit_too(cli: Cli) -> None:
    folder = cli.folder / "wit"
    folder.mkdir()
    (folder / "app.wit").write_text(WIT)
    out = cli("stubs", folder, "--world", "app").out
    assert "class StoreProvider(Protocol):" in out
    assert "Err = ErrGone | ErrOther" in out
    assert "class World(Exports):" in out
    several = cli("stubs", folder)
    assert (several.code, "multiple worlds in `my:app@1.0.0`" in several.err) == (1, True)
    (folder / "app.wit").write_text("package a:b; world w { import x: func(; }")
    broken = cli("stubs", folder / "app.wit")
    assert (broken.code, "expected an identifier or string, found ';'" in broken.err) == (1, True)


def test_wit_without_wasm_tools_names_the_extra(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_args, **_options: None)
    (cli.folder / "app.wit").write_text(WIT)
    with pytest.raises(MissingExtraError, match=r"pip install 'wasihost\[wit\]'"):
        wit.component(str(cli.folder / "app.wit"), "app")


def test_a_world_is_for_wit_and_a_file_that_cannot_be_written_is_reported(cli: Cli) -> None:
    component = PREBUILT / "rust-exports.wasm"
    done = cli("stubs", component, "--world", "app")
    assert (done.code, "--world is for WIT text" in done.err) == (2, True)
    done = cli("stubs", component, "-o", cli.folder / "no" / "such.py")
    assert (done.code, "such.py cannot be written: No such file or directory" in done.err) == (1, True)


def test_a_missing_file_is_reported(cli: Cli) -> None:
    done = cli("stubs", "nothing.wasm")
    assert done.code == 1
    assert "nothing.wasm cannot be read" in done.err
