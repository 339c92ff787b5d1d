"""`wasihost stubs`: what it writes passes mypy, is what the machine takes and gives, and refuses wrong use."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from tests.cli.conftest import PREBUILT, Cli
from tests.processes import TIMEOUT_S

ROOT = Path(__file__).parents[2]
Write = Callable[..., str]

PROGRAM = f"""
import asyncio
import exports_stub
import kv_stub
import streams_stub
from collections.abc import AsyncIterator, Awaitable
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
            raise WitError(kv_stub.KvError.NotFound(key))
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


async def call_exports() -> None:
    async with Host(providers={{"test:exports/host": Sleeper()}}).open(FOLDER + "/rust-exports.wasm") as instance:
        api = exports_stub.Api(instance)
        quotient, rest = await api.divide(7, 2)
        assert quotient + rest == 4
        home = exports_stub.Point(1, 2)
        person = await api.echo_person(exports_stub.Person("Ada", 36, home, ["a"]))
        assert isinstance(person, exports_stub.Person) and person.home == home
        shape = await api.echo_shape(exports_stub.Shape.Polygon([home]))
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
        assert await api.echo_nested([(exports_stub.Shape.Nothing(), Ok(person))])
        counter = await exports_stub.Counter.new(api, 40)
        assert await counter.add(2) == 42
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


async def wrong(api: exports_stub.Api, streams: streams_stub.Api) -> None:
    await api.divide("7", 2)  # wrong
    await api.echo_point(exports_stub.Point(1))  # wrong
    await api.echo_color(exports_stub.Permissions.READ)  # wrong
    await api.echo_strings("text", "more")  # wrong
    text: str = await api.echo_u32(1)  # wrong
    await api.unknown()  # wrong
    await streams.total(b"abc")  # wrong
    await streams.wait_for("now")  # wrong


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


def test_a_missing_file_is_reported(cli: Cli) -> None:
    done = cli("stubs", "nothing.wasm")
    assert done.code == 1
    assert "nothing.wasm cannot be read" in done.err
