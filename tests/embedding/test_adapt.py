"""`configure` and `adapt` with an embedder's own engine, store and linker; many hosts, threads and instances."""

from __future__ import annotations

import asyncio
import gc
import textwrap
import threading
from typing import Any, ClassVar

import pytest
import wasmtime
from wasmtime.component import Linker

from tests.guests.exports import API, HOST
from tests.guests.harness import PREBUILT, Guest, fails, load, open_fds, resident_bytes, run, run_async
from tests.guests.kv import PRINTED, STORE, Store
from tests.guests.peers import echo, server
from tests.processes import printed
from wasihost import (
    Component,
    ComponentError,
    GuestTrap,
    Host,
    Instance,
    LinkError,
    Policy,
    PolicyContext,
    ResourceTable,
    SocketAddressUse,
    adapt,
    allow_all,
    configure,
)
from wasihost._component.adapt import LINKED
from wasihost._component.ffi import calls
from wasihost._network.base import Address


@pytest.fixture(scope="module")
def engine() -> wasmtime.Engine:
    """An engine of the embedder's own, with a setting of its own."""
    config = wasmtime.Config()
    config.wasm_multi_memory = True
    assert configure(config) is config
    return wasmtime.Engine(config)


@pytest.fixture(scope="module")
def adapted(engine: wasmtime.Engine) -> Component:
    return adapt(engine, wasm("rust-tcp-client"))


def wasm(name: str) -> bytes:
    return (PREBUILT / f"{name}.wasm").read_bytes()


async def run_client(adapted: Component, policy: Policy = allow_all, **options: Any) -> str:
    """Runs `rust-tcp-client` against an echo server."""
    printed: list[bytes] = []
    async with server(echo) as peer:
        host = Host(policy=policy, env={"ADDRESS": peer.address}, stdout=printed.append)
        async with adapted.open(host.providers(), **options) as instance:
            await instance.call("wasi:cli/run#run")
            await instance.drain()
    return b"".join(printed).decode()


async def test_a_component_runs_in_the_embedders_store_and_linker(engine: wasmtime.Engine, adapted: Component) -> None:
    store, linker = wasmtime.Store(engine), Linker(engine)
    assert (await run_client(adapted, store=store, linker=linker)).startswith("echo: 1 connections")


async def test_store_and_linker_are_made_when_none_are_given(adapted: Component) -> None:
    assert (await run_client(adapted)).startswith("echo: 1 connections")


async def test_the_embedders_resource_table_is_used_and_empty_afterwards(adapted: Component) -> None:
    table = ResourceTable()
    await run_client(adapted, table=table)
    assert len(table) == 0


async def test_an_async_policy_works_in_an_adapted_component(adapted: Component) -> None:
    async def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        await asyncio.sleep(0)
        return True

    assert (await run_client(adapted, policy)).startswith("echo: 1 connections")


async def test_wasi_0_2_has_providers_as_0_3_has(engine: wasmtime.Engine) -> None:
    printed: list[bytes] = []
    async with server(echo) as peer:
        host = Host(policy=allow_all, env={"ADDRESS": peer.address}, stdout=printed.append)
        async with adapt(engine, wasm("rust-hello-p2")).open(host.providers()) as instance:
            await instance.call("wasi:cli/run#run")
            await instance.drain()
    assert b"".join(printed) == b"hello from std\nechoed: hello over WASI 0.3\n"


async def test_native_wasi_0_2_comes_from_the_embedders_linker(engine: wasmtime.Engine) -> None:
    component = adapt(engine, wasm("rust-hello-p2"), wasip2="native")
    linker = Linker(engine)
    linker.add_wasip2()
    store = wasmtime.Store(engine)
    printed: list[bytes] = []
    config = wasmtime.WasiConfig()
    config.stdout_custom = lambda data: printed.append(data)
    async with server(echo) as peer:
        config.env = [("ADDRESS", peer.address)]
        store.set_wasi(config)
        async with component.open(Host(policy=allow_all).providers(), store=store, linker=linker) as instance:
            await instance.call("wasi:cli/run#run")
    assert b"".join(printed) == b"hello from std\nechoed: hello over WASI 0.3\n"


async def test_without_it_the_missing_import_is_reported(engine: wasmtime.Engine) -> None:
    async def open_it() -> None:
        async with adapt(engine, wasm("rust-hello-p2"), wasip2="native").open(Host().providers()):
            pass

    assert "component imports instance `wasi:" in str(await fails(open_it(), LinkError))


async def test_own_providers_without_a_host(engine: wasmtime.Engine) -> None:
    class Sleeper:
        async def sleep(self, ms: int) -> None: ...

    async with adapt(engine, wasm("rust-exports")).open({HOST: Sleeper()}) as instance:
        assert await instance.call(f"{API}#echo-u8", 3) == 3
        assert await instance.call(f"{API}#wait", 7) == 7


async def test_a_provider_is_missing(engine: wasmtime.Engine) -> None:
    async def open_it() -> None:
        async with adapt(engine, wasm("rust-exports")).open({}):
            pass

    assert HOST in str(await fails(open_it(), LinkError))


async def test_without_epochs_a_guest_still_runs_to_its_end(engine: wasmtime.Engine) -> None:
    class Sleeper:
        async def sleep(self, ms: int) -> None: ...

    async with adapt(engine, wasm("rust-exports")).open({HOST: Sleeper()}) as instance:
        assert await instance.call(f"{API}#yield-times", 100) == 100
        await fails(instance.call(f"{API}#trap"), GuestTrap)


def test_an_engine_that_was_not_configured_is_refused() -> None:
    with pytest.raises(ComponentError, match=r"gone through wasihost\.configure\?"):
        adapt(wasmtime.Engine(), wasm("rust-tcp-client"))


# ---- many at once


async def test_one_adapted_component_is_open_many_times_at_once() -> None:
    async with server(echo) as peer:
        guests = [Guest("rust-tcp-client", env={"ADDRESS": peer.address, "VERIFY": 1}) for _ in range(10)]
        printed = await asyncio.gather(*(guest.run_async() for guest in guests))
    assert all(text.startswith("echo: 1 connections, 131072 bytes") for text in printed)


async def test_a_component_that_is_gone_lets_go_of_its_callbacks(engine: wasmtime.Engine) -> None:
    gc.collect()
    before = len(calls._kept)
    component = adapt(engine, wasm("rust-cat"))
    async with component.open(Host().providers()):
        made = len(calls._kept)
    async with component.open(Host().providers()):
        assert len(calls._kept) == made > before
    del component
    gc.collect()
    assert len(calls._kept) == before


async def test_providers_of_a_class_that_knows_the_instance_hold_no_callbacks(engine: wasmtime.Engine) -> None:
    component = adapt(engine, wasm("rust-cat"))

    async def run() -> None:
        class Environment:
            known: ClassVar[list[Instance]] = []

            def get_environment(self) -> list[tuple[str, str]]:
                return []

        async with Host(providers={"wasi:cli/environment@0.3.0": Environment()}).open(component) as instance:
            Environment.known.append(instance)

    kept = []
    for _ in range(3 * LINKED):
        await run()
        gc.collect()
        kept.append(len(calls._kept))
    assert kept[-1] == kept[LINKED]


async def test_two_hosts_in_one_event_loop_have_policies_of_their_own() -> None:
    def deny(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        return False

    denied = Guest("rust-tcp-states", policy=deny, env={"CASE": "denied"})
    allowed = Guest("rust-tcp-states", env={"CASE": "bind"})
    answers = await asyncio.gather(denied.run_async(), allowed.run_async())
    assert list(answers) == ["ok denied\n", "ok bind\n"]


async def test_instances_of_different_components_and_engines_at_once(adapted: Component) -> None:
    store = Store()
    printed: list[bytes] = []
    kv = Host(providers={STORE: store}, stdout=printed.append).run_async(load("rust-kv-client"))
    answers = await asyncio.gather(kv, run_client(adapted), run_async("rust-two-versions"))
    assert b"".join(printed).decode() == PRINTED
    assert answers[2] == "both versions work\n"


def test_threads_with_a_host_each() -> None:
    printed: dict[int, str] = {}

    def work(number: int) -> None:
        printed[number] = "".join(run("rust-two-versions") for _ in range(3)) + run("rust-tcp-states", CASE="bind")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert printed == dict.fromkeys(range(4), "both versions work\n" * 3 + "ok bind\n")


def test_a_host_runs_many_times() -> None:
    host = Host(policy=allow_all, stdout=lambda data: None)
    for _ in range(5):
        host.run(load("rust-two-versions"))


# ---- nothing grows


@pytest.mark.slow
def test_200_instances_leave_no_descriptors_and_no_memory() -> None:
    class Sleeper:
        async def sleep(self, ms: int) -> None: ...

    async def open_and_call(times: int) -> None:
        for number in range(times):
            async with Host(providers={HOST: Sleeper()}).open(load("rust-exports")) as instance:
                assert await instance.call(f"{API}#echo-bytes", bytes(10_000)) == bytes(10_000)
                assert await instance.call(f"{API}#wait", number) == number
                await instance.call(f"{API}#[constructor]counter", 1)

    asyncio.run(open_and_call(20))
    gc.collect()
    fds, memory = len(open_fds()), resident_bytes()
    asyncio.run(open_and_call(200))
    gc.collect()
    assert len(open_fds()) == fds
    assert resident_bytes() - memory < 40 << 20, "200 instances of more than a MiB each would be more"


@pytest.mark.slow
def test_200_runs_that_end_in_a_trap_or_are_given_up_leave_no_descriptors_and_no_memory() -> None:
    class Sleeper:
        async def sleep(self, ms: int) -> None:
            await asyncio.Event().wait()

    async def trap_and_abandon(times: int) -> None:
        for _ in range(times):
            async with Host(providers={HOST: Sleeper()}).open(load("rust-exports")) as instance:
                call = asyncio.create_task(instance.call(f"{API}#wait", 1))
                await asyncio.sleep(0)
                await fails(instance.call(f"{API}#trap"), GuestTrap)
                await fails(call, GuestTrap)
            async with Host(providers={HOST: Sleeper()}).open(load("rust-exports")) as instance:
                call = asyncio.create_task(instance.call(f"{API}#wait", 1))
                await asyncio.sleep(0)
            await fails(call, RuntimeError)

    asyncio.run(trap_and_abandon(10))
    gc.collect()
    fds, memory = len(open_fds()), resident_bytes()
    asyncio.run(trap_and_abandon(100))
    gc.collect()
    assert len(open_fds()) == fds
    assert resident_bytes() - memory < 40 << 20


# ---- faulthandler, in processes of their own


def in_a_process(script: str) -> str:
    text = """
        import asyncio, faulthandler
        from tests.guests.harness import run
        from wasihost import Host, WasihostError
    """
    return printed(textwrap.dedent(text) + textwrap.dedent(script), faulthandler=False)


@pytest.mark.slow
def test_faulthandler_enabled_first_is_fine() -> None:
    found = in_a_process("""
        faulthandler.enable()
        print(run("rust-two-versions"), end="")
    """)
    assert found == "both versions work\n"


@pytest.mark.slow
def test_faulthandler_enabled_after_the_first_engine_is_refused() -> None:
    found = in_a_process("""
        run("rust-two-versions")
        faulthandler.enable()
        try:
            run("rust-two-versions")
        except WasihostError as error:
            print(error)
    """)
    assert "Call faulthandler.enable() before" in found


@pytest.mark.parametrize("first", ["", "faulthandler.enable()"])
def test_an_out_of_bounds_access_of_a_guest_is_a_trap(first: str) -> None:
    found = in_a_process(f"""
        import wasmtime
        from wasihost import GuestTrap
        {first}
        wasm = bytes(wasmtime.wat2wasm('''(component
          (core module $m (memory 1) (func (export "f") (drop (i32.load (i32.const 0x7fffffff)))))
          (core instance $i (instantiate $m))
          (func (export "f") (canon lift (core func $i "f"))))'''))
        async def main():
            async with Host().open(wasm) as instance:
                try:
                    await instance.call("f")
                except GuestTrap as error:
                    print("out of bounds" in str(error))
        asyncio.run(main())
    """)
    assert found == "True\n"


@pytest.mark.slow
def test_the_interpreter_may_end_while_an_instance_is_open() -> None:
    found = in_a_process("""
        from tests.guests.harness import load, Guest
        async def main():
            guest = Guest("rust-echo-server")
            global kept
            kept = asyncio.create_task(guest.run_async())
            await guest.stdout.first_line()
        asyncio.run(main())
        print("ended")
    """)
    assert found == "ended\n"
