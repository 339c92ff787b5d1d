"""Guests that never end: the limits of time, while others go on."""

from __future__ import annotations

import asyncio
import collections
from typing import Any

import pytest
import wasmtime

from tests.guests.harness import until
from tests.hostile.harness import ASYNC, CALLBACK, HOST, SYNC, attack, attacked, bystander, core
from wasihost import ConfigError, GuestTimeout, Host, LimitError, Limits, LinkError, Stats
from wasihost._component import ffi
from wasihost._component.running.loop.polling import Poller
from wasihost._testing import run_virtual

LOOP = "(loop $again (br $again))"
WAITABLES = {
    "set": ("waitable-set.new", "(result i32)"),
    "poll": ("waitable-set.poll (memory $memory)", "(param i32 i32) (result i32)"),
    "wait": ("waitable-set.wait (memory $memory)", "(param i32 i32) (result i32)"),
}
F = '(func (export "f") (result i32)'
GUESTS = {
    "computes": core(f"{F} {LOOP} (i32.const 1))", SYNC),
    "computes in a start function": core(f"(func $s {LOOP}) (start $s) {F} (i32.const 1))", SYNC),
    "computes in an async export": core(f"{F} {LOOP} (i32.const 1))", ASYNC),
    "yields": core(
        f'{F} (i32.const 1)) (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 1))', CALLBACK
    ),
    "polls": core(
        f"{F} (local $s i32) (local.set $s (call $set))"
        " (loop $again (br_if $again (i32.eqz (call $poll (local.get $s) (i32.const 16))))) (i32.const 1))",
        SYNC,
        funcs=WAITABLES,
    ),
    "yields by the built-in": core(
        f"{F} (loop $again (drop (call $yield)) (br $again)) (i32.const 1))",
        ASYNC,
        funcs={"yield": ("thread.yield", "(result i32)")},
    ),
    "waits for nothing": core(
        f"{F} (call $wait (call $set) (i32.const 16)))",
        ASYNC,
        funcs=WAITABLES,
    ),
    "computes in post-return": core(
        f'{F} (i32.const 1)) (func (export "post") (param i32) {LOOP})',
        '(func (export "f") (result u32) (canon lift (core func $i "f") (post-return (core func $i "post"))))',
    ),
    "computes in realloc": f"""(component
      (core module $m (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) {LOOP} (i32.const 0))
        {F[:-12]} (param i32 i32) (result i32) (i32.const 1)))
      (core instance $i (instantiate $m))
      (alias core export $i "memory" (core memory $memory)) (alias core export $i "realloc" (core func $realloc))
      (func (export "f") (param "x" string) (result u32)
        (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))""",
    "calls the host for ever": core(
        f"{F} (loop $again (drop (call $quick)) (br $again)) (i32.const 1))",
        SYNC,
        f'(import "{HOST}" (instance $host (export "quick" (func (result u32)))))',
        {"quick": ('lower (func $host "quick")', "(result i32)")},
    ),
    "calls an async function for ever": core(
        f"{F} (loop $again (drop (call $slow (i32.const 16))) (br $again)) (i32.const 1))",
        ASYNC,
        f'(import "{HOST}" (instance $host (export "slow" (func async (result u32)))))',
        {"slow": ('lower (func $host "slow") async (memory $memory)', "(param i32) (result i32)")},
    ),
    "drops its own resource whose destructor computes": f"""(component
      (core module $d (func (export "d") (param i32) {LOOP}))
      (core instance $d (instantiate $d))
      (alias core export $d "d" (core func $dtor))
      (type $r (resource (rep i32) (dtor (core func $dtor))))
      (core func $new (canon resource.new $r)) (core func $drop (canon resource.drop $r))
      (core module $m (import "" "new" (func $new (param i32) (result i32))) (import "" "drop" (func $drop (param i32)))
        {F} (call $drop (call $new (i32.const 1))) (i32.const 1)))
      (core instance $i (instantiate $m (with "" (instance
        (export "new" (func $new)) (export "drop" (func $drop))))))
      {SYNC})""",
}
COMPUTE = [name for name in GUESTS if name != "waits for nothing"]


class Quick:
    def quick(self) -> int:
        return 1

    def slow(self) -> int:
        return 1


def arguments(name: str) -> tuple[Any, ...]:
    return ("abc",) if "realloc" in name else ()


@pytest.mark.parametrize("name", GUESTS)
async def test_a_run_that_takes_too_long_is_a_guest_timeout(name: str) -> None:
    found = await attack(GUESTS[name], Quick(), *arguments(name), limits=Limits(run_time_s=0.05))
    assert isinstance(found, GuestTimeout), found
    assert (found.limit, found.value) == ("run_time_s", 0.05)
    assert "--limit run-time-s" in str(found)


@pytest.mark.parametrize("name", COMPUTE)
async def test_a_guest_that_computes_too_long_is_a_guest_timeout(name: str) -> None:
    found = await attack(GUESTS[name], Quick(), *arguments(name), limits=Limits(cpu_time_s=0.05))
    assert isinstance(found, GuestTimeout), found
    assert found.limit == "cpu_time_s"


async def test_the_embedders_tasks_go_on_until_the_time_is_over_and_after() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await attack(GUESTS["computes"], limits=Limits(cpu_time_s=0.3))
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)
    assert ticks >= 3


async def test_waiting_is_no_computing() -> None:
    async with attacked(GUESTS["waits for nothing"], limits=Limits(cpu_time_s=0.05)) as instance:
        call = asyncio.create_task(instance.call("f"))
        await asyncio.sleep(0.2)
        assert not call.done()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


COUNT = core(f"{F} (i32.const 1))", SYNC)


def test_the_time_of_each_call_is_its_own() -> None:
    async def main() -> None:
        async with Host(limits=Limits(run_time_s=10)).open(bytes(wasmtime.wat2wasm(COUNT))) as instance:
            for _ in range(5):
                assert await instance.call("f") == 1
                await asyncio.sleep(4)

    run_virtual(main())


async def test_a_call_with_a_limit_can_be_cancelled_before_it_begins() -> None:
    async with attacked(COUNT, limits=Limits(run_time_s=60)) as instance:
        call = asyncio.create_task(instance.call("f"))
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert await instance.call("f") == 1


async def test_all_calls_of_an_instance_that_ran_out_of_time_end() -> None:
    async with attacked(GUESTS["waits for nothing"], limits=Limits(run_time_s=0.05)) as instance:
        found = await asyncio.gather(instance.call("f"), instance.call("f"), return_exceptions=True)
        assert [type(each) for each in found] == [GuestTimeout] * 2
        with pytest.raises(GuestTimeout):
            await instance.call("f")


class Congested(asyncio.SelectorEventLoop):
    """An event loop each pass of which takes a second, since others keep it."""

    _passes = 0

    def time(self) -> float:
        return float(self._passes)

    def _run_once(self) -> None:
        self._passes += 1
        super()._run_once()  # type: ignore[misc]


def test_time_in_which_the_guest_could_not_run_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def poll(self: Poller, call: ffi.Call) -> bool:
        epochs[call] += 1
        return epochs[call] > 2 and real(self, call)  # the first two are over before an instruction

    async def main() -> list[Any]:
        async with Host(limits=Limits(run_time_s=0.5)).pool(bytes(wasmtime.wat2wasm(COUNT)), size=10) as pool:
            return list(await asyncio.gather(*(pool.call("f") for _ in range(30))))

    epochs, real = collections.Counter[ffi.Call](), Poller._poll
    monkeypatch.setattr(Poller, "_poll", poll)
    with asyncio.Runner(loop_factory=Congested) as runner:
        assert runner.run(main()) == [1] * 30


# ---- a command: the time of all of it

COMMAND = """(component
  {imports}
  (core module $m {wanted} (func (export "run") (result i32) {body} (i32.const 0)))
  (core instance $i (instantiate $m {given}))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (component $c (import "run" (func $run (result (result)))) (export "run" (func $run)))
  (instance $e (instantiate $c (with "run" (func $run))))
  (export "wasi:cli/run@0.3.0" (instance $e)))"""


def command(body: str, imports: str = "", wanted: str = "", given: str = "") -> bytes:
    text = COMMAND.format(body=body, imports=imports, wanted=wanted, given=given)
    if "async" not in text:
        text = text.replace("(func $run (result (result))", "(func $run async (result (result))", 1)
        text = text.replace('(import "run" (func $run (result', '(import "run" (func $run async (result')
    return bytes(wasmtime.wat2wasm(text))


async def test_a_command_that_computes_for_ever_is_a_guest_timeout() -> None:
    async with bystander():
        with pytest.raises(GuestTimeout, match=r"run_time_s is 0\.05"):
            await Host(limits=Limits(run_time_s=0.05)).run_async(command(LOOP))


def test_host_run_has_the_limit_too() -> None:
    with pytest.raises(GuestTimeout):
        Host(limits=Limits(run_time_s=0.05)).run(command(LOOP))


async def test_a_sync_function_that_waits_for_a_provider_does_not_hold_up_the_timeout() -> None:
    class Slow:
        async def stop(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.append(True)

    cleaned: list[bool] = []
    guest = core(
        f"{F} (call $stop) (i32.const 1))",
        SYNC,
        f'(import "{HOST}" (instance $host (export "stop" (func))))',
        {"stop": ('lower (func $host "stop")', "")},
    )
    assert isinstance(await attack(guest, Slow(), limits=Limits(run_time_s=0.05)), GuestTimeout)
    assert cleaned


async def test_a_provider_that_waits_does_not_hold_up_the_timeout() -> None:
    class Slow:
        async def slow(self) -> int:
            await asyncio.Event().wait()
            raise AssertionError

    guest = core(
        f"{F} (call $slow))",
        ASYNC,
        f'(import "{HOST}" (instance $host (export "slow" (func async (result u32)))))',
        {"slow": ('lower (func $host "slow")', "(result i32)")},
    )
    assert isinstance(await attack(guest, Slow(), limits=Limits(run_time_s=0.05)), GuestTimeout)


async def test_a_task_that_goes_on_after_it_returned_is_stopped_by_cpu_time() -> None:
    guest = core(
        f"{F} (call $return (i32.const 7)) (i32.const 1))"
        ' (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 1))',
        CALLBACK,
        funcs={"return": ("task.return (result u32)", "(param i32)")},
    )
    async with attacked(guest, limits=Limits(cpu_time_s=0.1)) as instance:
        assert await instance.call("f") == 7
        await until(lambda: not instance.is_usable)
        assert isinstance(instance._machine.failure, GuestTimeout)
        with pytest.raises(GuestTimeout):
            await instance.call("f")


# ---- WASI 0.2


async def test_a_host_can_refuse_wasi_0_2() -> None:
    text = '(component (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64))))))'
    wasm = bytes(wasmtime.wat2wasm(text))
    async with Host().open(wasm):
        pass
    with pytest.raises(LinkError, match=r"wasi:random/random@0\.2\.0"):
        async with Host(wasip2=None).open(wasm):
            pass


# ---- fuel, which does not depend on time


async def used(fuel: int, name: str = "f", guest: str = GUESTS["computes"]) -> tuple[str | None, int | None]:
    """The limit that ended a call, and what it used, while another guest computes."""
    found: list[Stats] = []
    limit = None
    host = Host(limits=Limits(fuel=fuel), on_stats=found.append)
    try:
        async with host.open(bytes(wasmtime.wat2wasm(guest))) as instance:
            await instance.call(name)
    except LimitError as error:
        limit = error.limit
    return limit, found[0].fuel


async def test_fuel_ends_a_guest_at_the_same_point_whatever_the_load() -> None:
    assert await used(5_000_000) == ("fuel", 5_000_000)
    counts = core(
        f"{F} (local $n i32) (loop $more (local.set $n (i32.add (local.get $n) (i32.const 1)))"
        " (br_if $more (i32.lt_u (local.get $n) (i32.const 300000)))) (local.get $n))",
        SYNC,
    )
    _, needed = await used(1 << 40, guest=counts)
    assert needed is not None
    async with bystander():
        assert (await used(needed + 1000, guest=counts))[0] is None
        assert (await used(needed - 1000, guest=counts))[0] == "fuel"


async def test_fuel_ends_a_guest_that_computes_when_it_is_instantiated() -> None:
    assert (await used(100_000, guest=GUESTS["computes in a start function"]))[0] == "fuel"


async def test_a_component_that_counts_no_fuel_has_no_limit_of_it() -> None:
    wasm = bytes(wasmtime.wat2wasm(GUESTS["computes"]))
    with pytest.raises(ConfigError, match="loaded without a limit of fuel"):
        async with Host(limits=Limits(fuel=1)).open(Host().load(wasm)):
            pass
    counting = Host(limits=Limits(fuel=1)).load(bytes(wasmtime.wat2wasm(core(f"{F} (i32.const 7))", SYNC))))
    async with Host().open(counting) as instance:
        assert await instance.call("f") == 7
