"""Guests that take memory: linear memories, the collector's heap, tables, instances, stacks."""

from __future__ import annotations

import asyncio

import pytest
import wasmtime

from tests.abi.test_stack import nested
from tests.hostile.harness import HOST, SYNC, attack, attacked, core
from tests.processes import printed
from wasihost import ComponentError, GuestTrap, Host, LimitError, Limits

MIB = 1 << 20
F = '(func (export "f") (result i32)'


def alone(body: str, lift: str = SYNC) -> str:
    """A component of one core module that imports nothing."""
    return f"(component (core module $m {body}) (core instance $i (instantiate $m)) {lift})"


GROWS = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))"


async def test_a_memory_grows_to_the_limit_and_not_further() -> None:
    guest = alone(f"(memory 1) {F} {GROWS} (memory.size))")
    assert await attack(guest, limits=Limits(memory_bytes=4 * MIB)) == 64 - 64 % 16 - 16 + 1


async def test_all_memories_of_an_instance_share_the_limit() -> None:
    guest = alone(
        f"(memory $a 1) (memory $b 1) {F} {GROWS.replace('grow', 'grow $a')} {GROWS.replace('grow', 'grow $b')}"
        "(i32.add (memory.size $a) (memory.size $b)))"
    )
    pages = await attack(guest, limits=Limits(memory_bytes=4 * MIB))
    assert 64 - 16 < pages <= 64


async def test_a_guest_that_traps_when_it_gets_no_memory_is_a_limit_error_with_the_backtrace() -> None:
    found = await attack(alone(f"(memory 1) {F} {GROWS} unreachable)"), limits=Limits(memory_bytes=MIB))
    assert isinstance(found, LimitError)
    assert found.limit == "memory_bytes"
    assert "wasm backtrace" in str(found)
    assert "unreachable" in str(found)
    assert isinstance(found.__cause__, GuestTrap)


@pytest.mark.parametrize("memory", ["17", "65536", "i64 17", "i64 1000000000"])
async def test_a_memory_that_begins_too_large_is_a_limit_error(memory: str) -> None:
    found = await attack(alone(f"(memory {memory}) {F} (i32.const 1))"), limits=Limits(memory_bytes=MIB))
    assert isinstance(found, LimitError)
    assert found.limit == "memory_bytes"


async def test_a_memory_as_large_as_the_limit_is_fine() -> None:
    assert await attack(alone(f"(memory 16) {F} (i32.const 1))"), limits=Limits(memory_bytes=MIB)) == 1


IN_FEW_ADDRESSES = """
    import asyncio, resource
    import wasmtime
    from wasihost import Host, LimitError

    F = '(func (export "f") (result u32) (canon lift (core func $i "f")))'
    GROWS = '(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (memory.size)'
    GUEST = f'(component (core module $m (memory 1) (func (export "f") (result i32) {{GROWS}}))'
    GUEST += f' (core instance $i (instantiate $m)) {{F}})'

    def limit(gib):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (gib << 30, hard))

    async def main():
        {steps}
        try:
            async with host.open(loaded) as instance:
                print(await instance.call("f") * 64 >> 10, "MiB")
        except LimitError as error:
            print(error)

    asyncio.run(main())
"""
LOADS = "host = Host(); loaded = host.load(bytes(wasmtime.wat2wasm(GUEST)))"


@pytest.mark.slow
def test_guests_run_in_a_process_that_may_have_few_addresses() -> None:
    """Three memories of 4 GiB each would not fit; the guest gets its limit, or the memory's part of the addresses."""
    assert printed(IN_FEW_ADDRESSES.format(steps=f"limit(12); {LOADS}")) == "767 MiB\n"
    assert printed(IN_FEW_ADDRESSES.format(steps=f"limit(48); {LOADS}")) == "1023 MiB\n"


@pytest.mark.slow
def test_a_guest_that_traps_at_the_end_of_its_addresses_is_not_blamed_for_it() -> None:
    script = IN_FEW_ADDRESSES.replace("(memory.size)", "unreachable")
    said = printed(script.format(steps=f"limit(12); {LOADS}"))
    assert said.startswith("the operating system gives this process no more memory or addresses; `ulimit -v`")
    assert "unreachable" in said
    assert printed(script.format(steps=f"limit(48); {LOADS}")).startswith("the guest got no more memory")


@pytest.mark.slow
def test_a_guest_is_not_blamed_for_addresses_that_the_process_does_not_get() -> None:
    said = printed(IN_FEW_ADDRESSES.format(steps=f"{LOADS}; limit(4)"))
    assert said.startswith("the operating system gives this process no more memory or addresses; `ulimit -v`")


async def test_a_memory_of_64_bit_addresses_ends_at_the_limit() -> None:
    guest = alone(f"(memory i64 1) {F} (i32.wrap_i64 (memory.grow (i64.const 0xffffffff))))")
    assert await attack(guest) == 2**32 - 1


async def test_instances_of_a_host_share_the_total() -> None:
    guest = alone(f"(memory 16) {F} {GROWS} (memory.size))")
    host = Host(limits=Limits(memory_bytes=6 * MIB, total_memory_bytes=10 * MIB))
    loaded = host.load(bytes(wasmtime.wat2wasm(guest)))
    async with host.open(loaded) as first:
        assert await first.call("f") == 96
        async with host.open(loaded) as second:
            assert await second.call("f") == 64
            with pytest.raises(LimitError, match="total_memory_bytes is 10485760"):
                async with host.open(loaded):
                    pass
    assert host._settings.memory.used == 0
    async with host.open(loaded) as third:
        assert await third.call("f") == 96


COLLECTED = """(type $node (struct (field (ref null $node)) (field i64)))
    (func (export "f") (result i32) (local $list (ref null $node)) (local $n i32)
      (loop $again
        (local.set $list (struct.new $node (local.get $list) (i64.const 1)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const {n}))))
      (local.get $n))"""


async def test_a_guest_with_garbage_collection_runs() -> None:
    assert await attack(alone(COLLECTED.format(n=1000))) == 1000


@pytest.mark.parametrize(
    "body",
    [
        COLLECTED.format(n=1),
        f"(tag $t) {F} (throw $t))",
        f"(table 1 externref) {F} (table.grow 0 (ref.null extern) (i32.const 1)))",
    ],
    ids=["structs", "exceptions", "externref"],
)
async def test_a_host_can_refuse_guests_for_which_wasmtime_has_a_collector(body: str) -> None:
    assert isinstance(await attack(alone(body), gc=False), ComponentError)
    assert await attack(alone(f"{F} (i32.const 7))"), gc=False) == 7


async def test_the_heap_of_the_collector_counts() -> None:
    found = await attack(alone(COLLECTED.format(n=100_000_000)), limits=Limits(memory_bytes=MIB))
    assert isinstance(found, LimitError)
    assert found.limit == "memory_bytes"


# ---- tables and instances


async def test_a_table_does_not_grow_beyond_the_limit() -> None:
    guest = alone(f"(table $t 1 funcref) {F} (table.grow $t (ref.null func) (i32.const 1000)))")
    assert await attack(guest, limits=Limits(table_elements=1000)) == 2**32 - 1
    assert await attack(guest, limits=Limits(table_elements=1001)) == 1


async def test_a_table_that_begins_too_large_is_a_limit_error() -> None:
    found = await attack(alone(f"(table 1001 funcref) {F} (i32.const 1))"), limits=Limits(table_elements=1000))
    assert isinstance(found, LimitError)
    assert found.limit == "table_elements"


@pytest.mark.parametrize(("name", "item"), [("tables", "(table 1 funcref)"), ("memories", "(memory 1)")])
async def test_too_many_tables_or_memories_are_a_limit_error(name: str, item: str) -> None:
    found = await attack(alone(item * 99 + f"{F} (i32.const 1))"), limits=Limits(**{name: 50}))
    assert isinstance(found, LimitError)
    assert found.limit == name


async def test_too_many_instances_are_a_limit_error() -> None:
    many = "(core instance (instantiate $m))" * 200
    found = await attack(alone(f"{F} (i32.const 1))", many + SYNC), limits=Limits(instances=100))
    assert isinstance(found, LimitError)
    assert found.limit == "instances"


def test_too_many_globals_are_a_limit_error() -> None:
    wasm = bytes(wasmtime.wat2wasm(alone("(global i64 (i64.const 1))" * 1001 + f"{F} (i32.const 1))")))
    with pytest.raises(LimitError, match="module_items is 1000"):
        Host(limits=Limits(module_items=1000)).load(wasm)
    Host(limits=Limits(module_items=1001)).load(wasm)


# ---- the stack

RECURSES = alone(
    """(func $r (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.add (call $r (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
      (else (i32.const 0))))
  (func (export "f") (param i32) (result i32) (call $r (local.get 0)))""",
    '(func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))',
)


async def test_recursion_without_end_is_a_limit_error_with_the_backtrace() -> None:
    found = await attack(RECURSES, None, 2**32 - 1)
    assert isinstance(found, LimitError)
    assert found.limit == "stack_bytes"
    assert "m!r" in str(found)


@pytest.mark.slow
async def test_the_host_has_its_own_stack_at_the_bottom_of_the_guests() -> None:
    class Provider:
        def deep(self) -> int:
            return len(repr(nested(200)))

    guest = core(
        """(func $r (param i32) (result i32) (if (result i32) (local.get 0)
             (then (i32.add (call $r (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))) (else (call $deep))))
           (func (export "f") (param i32) (result i32) (call $r (local.get 0)))""",
        '(func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))',
        f'(import "{HOST}" (instance $host (export "deep" (func (result u32)))))',
        {"deep": ('lower (func $host "deep")', "(result i32)")},
    )
    depth, reached = 1000, 0
    while await attack(guest, Provider(), depth) == 402:
        reached, depth = depth, depth + 1000
    assert reached > 5000


async def test_an_exception_that_nobody_catches_is_a_trap() -> None:
    assert isinstance(await attack(alone(f"(tag $e) {F} (throw $e))")), GuestTrap)


@pytest.mark.slow
async def test_the_stack_can_be_larger_and_smaller() -> None:
    def reached(stack_bytes: int) -> int:
        async def deepest() -> int:
            depth = 1000
            while await attack(RECURSES, None, depth, limits=Limits(stack_bytes=stack_bytes)) == depth:
                depth *= 2
            return depth

        return asyncio.run(deepest())

    found = await asyncio.to_thread(lambda: [reached(size << 10) for size in (64, 512, 8192)])
    assert found[0] < found[1] < found[2]


async def test_a_guest_within_its_limits_goes_on_after_memory_was_refused() -> None:
    guest = alone(f"(memory 1) {F} {GROWS} (memory.size))")
    async with attacked(guest, limits=Limits(memory_bytes=MIB)) as instance:
        assert [await instance.call("f") for _ in range(3)] == [1] * 3


async def test_a_bulk_instruction_holds_the_loop_for_no_more_than_the_memory_there_is() -> None:
    guest = alone(f"(memory 16) {F} (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x100000)) (i32.const 1))")
    assert await attack(guest, limits=Limits(memory_bytes=MIB)) == 1


async def test_a_guest_that_begins_a_little_too_large_is_closed_like_any_other() -> None:
    with pytest.raises(LimitError, match="memory_bytes is 1048576") as caught:
        async with attacked(alone(f"(memory 17) {F} (i32.const 1))"), limits=Limits(memory_bytes=MIB)):
            pass
    assert not hasattr(caught.value, "__notes__")
