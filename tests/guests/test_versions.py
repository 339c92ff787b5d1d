"""Guests of other toolchains, with other versions of WASI (0.3.2, two at once, 0.2 next to 0.3) or of their own."""

from __future__ import annotations

import types

import pytest
import wasmtime

from tests.guests.harness import FamilyName, Guest, fails, families, load, run_async
from tests.guests.peers import echo, server
from wasihost import GuestExit, GuestTrap, Host
from wasihost._commands import stubs

pytestmark = pytest.mark.usefixtures("both_networks")


async def test_the_crate_wasip3() -> None:
    async with server(echo) as peer:
        printed = await run_async("rust-p3-crate", ADDRESS=peer.address)
    assert printed == "echoed: hello from the crate wasip3\n"


async def test_two_versions_of_wasi_sockets_in_one_component() -> None:
    assert await run_async("rust-two-versions") == "both versions work\n"


@families
async def test_a_guest_with_wasi_0_2_next_to_0_3_prints_and_has_its_environment(family: FamilyName) -> None:
    async with server(echo, family) as peer:
        printed = await run_async("rust-hello-p2", ADDRESS=peer.address)
    assert printed == "hello from std\nechoed: hello over WASI 0.3\n"


async def test_without_its_environment_variable_the_guest_with_wasi_0_2_fails() -> None:
    guest = Guest("rust-hello-p2")
    await fails(guest.host.run_async(load("rust-hello-p2")), GuestExit)
    assert str(guest.stdout) == "hello from std\n"
    assert "ADDRESS is not IP:PORT" in str(guest.stderr)


@pytest.mark.parametrize("main", ["panic", "print"])
async def test_run_of_0_3_comes_before_run_of_0_2(main: str) -> None:
    assert await run_async("rust-bin-p3", MAIN=main) == "run of WASI 0.3\n"


async def test_run_of_0_2_can_still_be_called() -> None:
    guest = Guest("rust-bin-p3")
    async with guest.host.open(load("rust-bin-p3")) as instance:
        await instance.call("wasi:cli/run@0.2.9#run")
    assert str(guest.stdout) == "main of WASI 0.2\n"
    panicking = Guest("rust-bin-p3", env={"MAIN": "panic"})
    async with panicking.host.open(load("rust-bin-p3")) as instance:
        await fails(instance.call("wasi:cli/run@0.2.0#run"), GuestTrap)


def _exporting(*versions: str) -> bytes:
    """A component that exports an interface in these versions, whose `f` gives the position in the list."""
    functions = "".join(f'(func (export "f{i}") (result i32) (i32.const {i}))' for i in range(len(versions)))
    exports = "".join(
        f"""(func $f{i} (result u32) (canon lift (core func $core "f{i}")))
        (instance $i{i} (export "f" (func $f{i})))
        (export "test:versions/api@{version}" (instance $i{i}))"""
        for i, version in enumerate(versions)
    )
    return bytes(
        wasmtime.wat2wasm(f"(component (core module $m {functions}) (core instance $core (instantiate $m)) {exports})")
    )


TWO = _exporting("1.0.1", "2.1.0")


@pytest.mark.parametrize(
    ("version", "found"), [("@1.0.0", 0), ("@1.0.1", 0), ("@1.2.0", 0), ("@2.0.0", 1), ("", 1), ("@3.0.0", None)]
)
async def test_an_export_is_found_as_wasmtime_finds_it(version: str, found: int | None) -> None:
    path = f"test:versions/api{version}#f"
    async with Host().open(TWO) as instance:
        if found is None:
            await fails(instance.call(path), LookupError)
        else:
            assert await instance.call(path) == found


async def test_classes_of_stubs_made_for_one_version_call_a_guest_of_a_compatible_one() -> None:
    module = types.ModuleType("stub")
    exec(stubs.write(Host().load(_exporting("1.0.0")), "For 1.0.0."), module.__dict__)
    async with Host().open(TWO) as instance:
        assert await module.Api(instance).f() == 0
    async with Host().open(_exporting("2.0.0")) as instance:
        with pytest.raises(LookupError, match=r"does not export 'test:versions/api@1\.0\.0'"):
            module.Api(instance)
