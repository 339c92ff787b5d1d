"""Components from the cache: what makes a hit, and that they are as good as new."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import wasmtime
from wasmtime.component import Component as Compiled

from tests.cli.commands import TRAP
from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import PREBUILT, Output, fails
from tests.guests.test_exports_values import PERSON, SCALARS, shape
from tests.processes import TIMEOUT_S
from wasihost import Cache, Component, ComponentError, GuestTrap, Host, adapt, allow_all, configure
from wasihost._base.limits import Limits
from wasihost._component import compilation, entries
from wasihost._component.adapt import adapt as adapt_component
from wasihost._component.adapt import wiring_of
from wasihost._component.cache import SUFFIX
from wasihost._component.code import Code
from wasihost._component.world.wiring import Wiring
from wasihost._host.loading import of_wasi

WASM = (PREBUILT / "c-echo-client.wasm").read_bytes()


def new_engine(**settings: Any) -> wasmtime.Engine:
    config = configure(wasmtime.Config())
    for name, value in settings.items():
        setattr(config, name, value)
    return wasmtime.Engine(config)


@pytest.fixture
def engine() -> wasmtime.Engine:
    return new_engine()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was compiled since: the origin of each component."""
    found: list[str] = []
    real = compilation.compile_component

    def compile_component(
        engine: wasmtime.Engine, wasm: bytes, wiring: Wiring, windowed: frozenset[str], origin: str
    ) -> tuple[Wiring, Code]:
        found.append(origin)
        return real(engine, wasm, wiring, windowed, origin)

    monkeypatch.setattr(compilation, "compile_component", compile_component)
    return found


LOADING = """
import sys
from wasihost import Cache, Host
from wasihost._component import compilation

real = compilation.compile_component

def compile_component(*arguments):
    print("compiled")
    return real(*arguments)

compilation.compile_component = compile_component
print("ready", flush=True)
sys.stdin.read()
Host(cache=Cache(sys.argv[1])).load(sys.argv[2])
"""


@pytest.mark.slow
def test_of_processes_that_load_a_new_component_at_once_one_compiles_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOADING, str(tmp_path), str(PREBUILT / "c-echo-client.wasm")]
    start, started = os.pipe()
    processes = [subprocess.Popen(command, stdin=start, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    os.close(start)
    assert [process.stdout and process.stdout.readline() for process in processes] == ["ready\n"] * 3
    os.close(started)
    assert sorted(process.communicate(timeout=TIMEOUT_S)[0] for process in processes) == ["", "", "compiled\n"]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert [path.suffix for path in tmp_path.iterdir()] == [SUFFIX]


# ---- hits and misses


def test_the_second_time_nothing_is_reflected_or_compiled(
    engine: wasmtime.Engine, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = adapt(engine, WASM, cache=cache)
    sizes = []
    new = Compiled.__init__

    def record(self: Compiled, engine: wasmtime.Engine, wasm: bytes) -> None:
        sizes.append(len(wasm))
        new(self, engine, wasm)

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("compiled again")

    monkeypatch.setattr(Compiled, "__init__", record)
    monkeypatch.setattr(compilation, "compile_component", refuse)
    monkeypatch.setattr(compilation, "prepare", refuse)
    second = adapt(engine, WASM, cache=cache)
    assert [f.path for f in wiring_of(second).adapted] == [f.path for f in wiring_of(first).adapted]
    assert sizes == [8]  # the empty component that tells the engine's settings


def test_another_engine_of_the_same_settings_is_a_hit(cache: Cache, compiled: list[str]) -> None:
    for _ in range(2):
        adapt(new_engine(debug_info=True), WASM, cache=cache)
    assert len(compiled) == 1


def test_other_bytes_are_a_miss(engine: wasmtime.Engine, cache: Cache, compiled: list[str]) -> None:
    custom_section = b"\0\1\0"
    adapt(engine, WASM, cache=cache, origin="one")
    adapt(engine, WASM + custom_section, cache=cache, origin="two")
    assert compiled == ["one", "two"]


@pytest.mark.parametrize("setting", ["epoch_interruption", "consume_fuel", "debug_info"])
def test_another_setting_of_the_engine_is_a_miss(cache: Cache, compiled: list[str], setting: str) -> None:
    for value in (False, True):
        adapt(new_engine(**{setting: value}), WASM, cache=cache)
    assert len(compiled) == 2


def test_another_version_of_wasihost_is_a_miss(
    engine: wasmtime.Engine, cache: Cache, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapt(engine, WASM, cache=cache)
    monkeypatch.setattr(entries, "__version__", "99")
    adapt(engine, WASM, cache=cache)
    assert len(compiled) == 2


def test_another_generator_is_a_miss(
    engine: wasmtime.Engine, cache: Cache, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapt(engine, WASM, cache=cache)
    monkeypatch.setattr(entries, "_generator", lambda: b"other sources")
    adapt(engine, WASM, cache=cache)
    assert len(compiled) == 2


def test_another_order_is_a_miss(engine: wasmtime.Engine, cache: Cache, compiled: list[str]) -> None:
    for in_order in ((), ("wasi:cli/exit#exit",)):
        adapt_component(engine, WASM, in_order=in_order, cache=cache)
    assert len(compiled) == 2


def test_other_native_interfaces_are_a_miss_and_replace(
    engine: wasmtime.Engine, cache: Cache, compiled: list[str]
) -> None:
    def none(_: str) -> bool:
        return False

    def environment(name: str) -> bool:
        return name.startswith("wasi:cli/environment")

    natives: list[Callable[[str], bool]] = [none, environment, environment]
    found = [adapt_component(engine, WASM, native=native, cache=cache) for native in natives]
    assert len(compiled) == 2
    assert [len(adapted.native) for adapted in found] == [0, 1, 1]


def test_a_damaged_entry_is_compiled_anew_and_replaced(
    engine: wasmtime.Engine, cache: Cache, compiled: list[str], tmp_path: Path
) -> None:
    adapt(engine, WASM, cache=cache)
    (path,) = (tmp_path / "cache").iterdir()
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for _ in range(2):
        adapt(engine, WASM, cache=cache)
    assert len(compiled) == 2
    assert path.read_bytes() == data


def test_code_that_wasmtime_refuses_is_compiled_anew(
    engine: wasmtime.Engine, cache: Cache, compiled: list[str]
) -> None:
    """Which the key does not let happen: here the entry of one engine stands under the key of another."""
    other = new_engine(consume_fuel=True)
    adapt(other, WASM, cache=cache)
    in_order, windowed = map(frozenset, of_wasi().values())
    entry = cache.get(entries.key(other, in_order, windowed, True, Limits(), WASM))
    assert entry is not None
    cache.put(entries.key(engine, in_order, windowed, True, Limits(), WASM), entry)
    assert isinstance(adapt(engine, WASM, cache=cache), Component)
    assert len(compiled) == 2


def test_what_is_no_component_is_not_kept(engine: wasmtime.Engine, cache: Cache, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ComponentError, match="the letter is not WebAssembly"):
            adapt(engine, b"Dear Sir", cache=cache, origin="the letter")
    assert not (tmp_path / "cache").exists()


def test_an_engine_without_components_is_an_error(cache: Cache) -> None:
    with pytest.raises(ComponentError, match="this engine takes no components"):
        adapt(new_engine(wasm_component_model=False), WASM, cache=cache)


def test_without_a_cache_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Host().load(WASM)
    assert list(tmp_path.iterdir()) == []


# ---- as good as new


def loaded_twice(cache: Cache, component: bytes | Path, compiled: list[str], **options: Any) -> list[Component]:
    """A component as it is compiled, and as it comes from the cache."""
    found = [Host(cache=cache, **options).load(component) for _ in range(2)]
    assert len(compiled) == 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["c-tcp-methods", "rust-tcp-states", "rust-tcp-streams", "rust-cancel"])
def test_a_guest_prints_the_same(cache: Cache, compiled: list[str], name: str) -> None:
    printed = []
    for component in loaded_twice(cache, PREBUILT / f"{name}.wasm", compiled):
        output = Output()
        asyncio.run(Host(policy=allow_all, stdout=output).run_async(component))
        printed.append(str(output))
    assert printed[0] == printed[1] != ""


async def test_exports_give_the_same(cache: Cache, compiled: list[str]) -> None:
    calls = [(name, value) for name, values in SCALARS for value in values] + [("echo-person", PERSON)]
    given = []
    for component in loaded_twice(cache, PREBUILT / "rust-exports.wasm", compiled):
        async with Host(providers={HOST: Sleeper()}).open(component) as instance:
            given.append([shape(await instance.call(f"{API}#{name}", value)) for name, value in calls])
    assert given[0] == given[1] == [shape(value) for _, value in calls]


async def test_a_trap_has_the_same_backtrace(cache: Cache, compiled: list[str]) -> None:
    host = Host()
    traps = [await fails(host.run_async(component), GuestTrap) for component in loaded_twice(cache, TRAP, compiled)]
    assert str(traps[0]) == str(traps[1])
    assert "code!<wasm function 0>" in str(traps[1])


def test_limits_that_were_not_looked_at_are_a_miss(engine: wasmtime.Engine, cache: Cache, compiled: list[str]) -> None:
    for limits in (Limits(), Limits(async_components=2), Limits(streams=5), Limits()):
        adapt(engine, WASM, cache=cache, limits=limits)
    assert len(compiled) == 2
