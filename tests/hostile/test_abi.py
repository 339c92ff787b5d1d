"""Guests that break the canonical ABI: a trap with the backtrace, and nothing else happens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.guests.harness import until
from tests.hostile.harness import ASYNC, CALLBACK, HOST, LIBC, SYNC, attack, attacked, core
from wasihost import GuestTimeout, GuestTrap, LimitError, Limits

F = '(func (export "f") (result i32)'
RETURN = {"return": ("task.return (result u32)", "(param i32)"), "set": ("waitable-set.new", "(result i32)")}


def trapped(found: Any, words: str = "") -> bool:
    assert isinstance(found, GuestTrap), found
    assert "wasm backtrace" in str(found) or words in str(found)
    assert words in str(found)
    return True


# ---- callbacks


@pytest.mark.parametrize("code", [3, 4, 5, 7, 15, 0x12, 0x7FFFFFF2, -1, -14, 0x2])
async def test_a_wrong_callback_code_is_a_trap(code: int) -> None:
    guest = core(
        f'{F} (i32.const {code})) (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 0))', CALLBACK
    )
    assert isinstance(await attack(guest), GuestTrap)


@pytest.mark.parametrize("code", [3, 15, 0x12, -1])
async def test_a_wrong_code_from_the_callback_itself_is_a_trap(code: int) -> None:
    guest = core(
        f'{F} (i32.const 1)) (func (export "callback") (param i32 i32 i32) (result i32) (i32.const {code}))', CALLBACK
    )
    assert isinstance(await attack(guest), GuestTrap)


@pytest.mark.parametrize(
    "body",
    [
        "(i32.const 0)",  # exits without a result
        "(call $return (i32.const 1)) (call $return (i32.const 2)) (i32.const 0)",
        "(call $cancel) (i32.const 0)",  # nobody asked for it
    ],
)
async def test_a_wrong_end_of_a_task_is_a_trap(body: str) -> None:
    funcs = {**RETURN, "cancel": ("task.cancel", "")}
    guest = core(
        f'{F} {body}) (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 0))', CALLBACK, funcs=funcs
    )
    assert isinstance(await attack(guest), GuestTrap)


async def test_a_result_of_another_type_than_the_functions_is_a_trap() -> None:
    funcs = {"return": ("task.return (result u64)", "(param i64)")}
    guest = core(
        f"{F} (call $return (i64.const 1)) (i32.const 0))"
        ' (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 0))',
        CALLBACK,
        funcs=funcs,
    )
    assert isinstance(await attack(guest), GuestTrap)


async def test_a_task_that_never_returns_is_stopped_by_the_limit() -> None:
    guest = core(
        f"{F} (i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4))))"
        ' (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 1))',
        CALLBACK,
        funcs=RETURN,
    )
    assert isinstance(await attack(guest, limits=Limits(run_time_s=0.05)), GuestTimeout)


async def test_a_task_that_ignores_its_cancellation_is_stopped_by_the_limit() -> None:
    guest = core(
        f'{F} (i32.const 1)) (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 1))', CALLBACK
    )
    async with attacked(guest, limits=Limits(cpu_time_s=0.2)) as instance:
        call = asyncio.create_task(instance.call("f"))
        await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert call.cancelled()
        await until(lambda: not instance.is_usable)
        assert isinstance(instance._machine.failure, GuestTimeout)


# ---- strings and lists that the guest gives


def gives(result: str, pointer: int, length: int, data: str = "", encoding: str = "utf8") -> str:
    """A guest whose export gives a string or list of that pointer and length."""
    return f"""(component
      (core module $m (memory (export "memory") 1) (data (i32.const 64) "{data}")
        {F} (i32.store (i32.const 16) (i32.const {pointer})) (i32.store (i32.const 20) (i32.const {length}))
          (i32.const 16)))
      (core instance $i (instantiate $m)) (alias core export $i "memory" (core memory $memory))
      (func (export "f") (result {result})
        (canon lift (core func $i "f") (memory $memory) string-encoding={encoding})))"""


def takes(t: str, encoding: str = "utf8", data: str = "", way: str = "") -> str:
    """A guest that gives a string or list to the host."""
    return f"""(component
      (import "{HOST}" (instance $host (export "take" (func {way} (param "x" {t}) (result u32)))))
      (core module $libc (memory (export "memory") 1) (data (i32.const 64) "{data}"))
      (core instance $libc (instantiate $libc)) (alias core export $libc "memory" (core memory $memory))
      (core func $take (canon lower (func $host "take") (memory $memory) string-encoding={encoding}))
      (core module $m (import "" "take" (func $take (param i32 i32) (result i32)))
        (func (export "f") (param i32 i32) (result i32) (call $take (local.get 0) (local.get 1))))
      (core instance $i (instantiate $m (with "" (instance (export "take" (func $take))))))
      (func (export "f") (param "p" u32) (param "n" u32) (result u32) (canon lift (core func $i "f"))))"""


class Takes:
    def take(self, x: Any) -> int:
        return len(x)


BAD_STRINGS = [
    ("utf8", "\\ff\\fe", 64, 2),
    ("utf8", "\\c3", 64, 1),
    ("utf8", "\\ed\\a0\\80", 64, 3),  # a surrogate
    ("utf8", "\\f4\\90\\80\\80", 64, 4),  # beyond the last character
    ("utf8", "\\c0\\80", 64, 2),  # longer than it need be
    ("utf16", "\\00\\d8", 64, 1),  # half a pair
    ("utf16", "a\\00", 65, 1),  # not aligned
    ("latin1+utf16", "\\00\\dc", 64, -(2**31) + 1),
    ("latin1+utf16", "", 65, 1),
    ("utf8", "", 65535, 2),
    ("utf8", "", -1, 1),
    ("utf8", "", 0, -1),
    ("utf16", "", 65534, 2),
    ("utf16", "", 0, 0x7FFFFFFF),
]


@pytest.mark.parametrize(("encoding", "data", "pointer", "length"), BAD_STRINGS)
async def test_a_wrong_string_is_a_trap(encoding: str, data: str, pointer: int, length: int) -> None:
    found = await attack(gives("string", pointer, length, data, encoding))
    assert isinstance(found, GuestTrap | LimitError), found
    for way in ("", "async"):
        args = pointer % 2**32, length % 2**32
        found = await attack(takes("string", encoding, data, way), Takes(), *args)
        assert isinstance(found, GuestTrap | LimitError), found


@pytest.mark.parametrize("t", ["(list u8)", "(list u64)", "(list string)", "(list (list u8))", "(list bool)"])
@pytest.mark.parametrize(("pointer", "length"), [(65528, 9), (65536, 1), (0, 65537), (8, 2**32 - 1), (2**32 - 8, 16)])
async def test_a_list_that_lies_about_itself_is_a_trap(t: str, pointer: int, length: int) -> None:
    assert isinstance(await attack(gives(t, pointer, length)), GuestTrap)
    for way in ("", "async"):
        assert isinstance(await attack(takes(t, way=way), Takes(), pointer, length), GuestTrap)


@pytest.mark.parametrize("t", ["(list u16)", "(list u64)", "(list string)"])
async def test_a_list_that_is_not_aligned_is_a_trap(t: str) -> None:
    assert isinstance(await attack(gives(t, 65, 1)), GuestTrap)
    assert isinstance(await attack(takes(t), Takes(), 65, 1), GuestTrap)


@pytest.mark.parametrize("pointer", [65532, 65536, -4, 17])
async def test_a_result_outside_of_the_memory_is_a_trap(pointer: int) -> None:
    guest = gives("(tuple u32 u32)", 0, 0).replace("(i32.const 16)))", f"(i32.const {pointer})))")
    assert isinstance(await attack(guest), GuestTrap)


@pytest.mark.parametrize(
    ("t", "value"),
    [("bool", 2), ("char", 0xD800), ("char", 0x110000), ('(enum "a")', 1), ('(variant (case "a"))', 7)],
)
async def test_a_number_that_stands_for_nothing_is_a_trap_or_the_value_of_its_low_bits(t: str, value: int) -> None:
    text = f"""(component
      (core module $m (func (export "f") (result i32) (i32.const {value})))
      (core instance $i (instantiate $m))
      (type $t {t}) (export $e "t" (type $t))
      (func (export "f") (result $e) (canon lift (core func $i "f"))))"""
    if t in ("bool", "char"):
        text = text.replace(f'(type $t {t}) (export $e "t" (type $t))', "").replace("$e)", f"{t})")
    found = await attack(text)
    assert found is True or isinstance(found, GuestTrap)


# ---- realloc


def reallocs(body: str, imports: str = "", given: str = "", wanted: str = "") -> str:
    """A guest that takes a string, for which its realloc does this."""
    return f"""(component {imports}
      (core module $m {wanted} (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) {body})
        (func (export "f") (param i32 i32) (result i32) (i32.const 1)))
      (core instance $i (instantiate $m {given}))
      (alias core export $i "memory" (core memory $memory)) (alias core export $i "realloc" (core func $realloc))
      (func (export "f") (param "x" string) (result u32)
        (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))"""


@pytest.mark.parametrize(
    "body", ["unreachable", "(i32.const -1)", "(i32.const 65535)", "(i32.div_u (i32.const 1) (i32.const 0))"]
)
async def test_a_realloc_that_traps_or_points_outside_is_a_trap(body: str) -> None:
    assert isinstance(await attack(reallocs(body), None, "text"), GuestTrap)


async def test_a_realloc_that_traps_while_the_host_gives_a_result_drops_what_was_in_it() -> None:
    class Thing:
        alive = 0

        def __init__(self) -> None:
            Thing.alive += 1

        def drop(self) -> None:
            Thing.alive -= 1

    class Provider:
        def __init__(self) -> None:
            self.Thing = Thing

        def make(self) -> Any:
            return [Thing() for _ in range(3)]

    for way in ("", "async"):
        guest = f"""(component
          (import "{HOST}" (instance $host (export "thing" (type $t (sub resource)))
            (export "make" (func {way} (result (list (own $t)))))))
          (core module $libc (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
          (core instance $libc (instantiate $libc))
          (core func $make (canon lower (func $host "make")
            (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
          (core module $m (import "" "make" (func $make (param i32))) {F} (call $make (i32.const 16)) (i32.const 1)))
          (core instance $i (instantiate $m (with "" (instance (export "make" (func $make))))))
          {ASYNC})"""
        assert isinstance(await attack(guest, Provider()), GuestTrap)
        assert Thing.alive == 0


async def test_a_realloc_that_calls_the_host_is_a_trap() -> None:
    class Provider:
        def hello(self) -> None:
            called.append(1)

    called: list[int] = []
    guest = reallocs(
        "(call $hello) (i32.const 16)",
        f'(import "{HOST}" (instance $host (export "hello" (func))))'
        ' (core func $hello (canon lower (func $host "hello")))',
        '(with "" (instance (export "hello" (func $hello))))',
        '(import "" "hello" (func $hello))',
    )
    trapped(await attack(guest, Provider(), "text"), "cannot leave component instance")
    assert not called


# ---- resources


BORROWS = """(component
  (import "{host}" (instance $host (export "thing" (type $t (sub resource)))
    (export "look" (func (param "x" (borrow $t))))))
  (alias export $host "thing" (type $thing))
  (core func $look (canon lower (func $host "look"))) (core func $drop (canon resource.drop $thing))
  (core module $m (import "" "look" (func $look (param i32))) (import "" "drop" (func $drop (param i32)))
    (global $kept (mut i32) (i32.const 0))
    (func (export "f") (param i32) (result i32) {f} (i32.const 1))
    (func (export "again") (result i32) (call $look (global.get $kept)) (i32.const 1)))
  (core instance $i (instantiate $m (with "" (instance (export "look" (func $look)) (export "drop" (func $drop))))))
  (func (export "f") (param "x" (borrow $thing)) (result u32) (canon lift (core func $i "f")))
  (func (export "again") (result u32) (canon lift (core func $i "again"))))"""


class Lent:
    drops = 0

    def drop(self) -> None:
        self.drops += 1


class Lends:
    Thing = Lent

    def look(self, x: Lent) -> None:
        assert isinstance(x, Lent)


async def test_a_borrow_that_is_not_dropped_is_a_trap_and_ours_stays_ours() -> None:
    lent = Lent()
    found = await attack(BORROWS.format(host=HOST, f=""), Lends(), lent)
    assert isinstance(found, GuestTrap)
    assert lent.drops == 0


async def test_a_borrow_that_is_used_after_the_call_is_a_trap() -> None:
    lent = Lent()
    kept = "(global.set $kept (local.get 0)) (call $look (local.get 0)) (call $drop (local.get 0))"
    async with attacked(BORROWS.format(host=HOST, f=kept), Lends()) as instance:
        assert await instance.call("f", lent) == 1
        with pytest.raises(GuestTrap, match="unknown handle"):
            await instance.call("again")
    assert lent.drops == 0


# ---- re-entrance


async def test_a_provider_that_calls_the_guest_that_waits_for_it_cannot_enter() -> None:
    class Provider:
        async def enter(self) -> int:
            return int(await self.instance.call("f"))

        instance: Any

    guest = core(
        f"{F} (call $enter))",
        '(func (export "f") async (result u32) (canon lift (core func $i "f")))',
        f'(import "{HOST}" (instance $host (export "enter" (func async (result u32)))))',
        {"enter": ('lower (func $host "enter")', "(result i32)")},
    )
    provider = Provider()
    async with attacked(guest, provider, limits=Limits(run_time_s=0.1)) as instance:
        provider.instance = instance
        with pytest.raises((GuestTimeout, GuestTrap)):
            await instance.call("f")


async def test_a_sync_call_into_a_guest_that_waits_for_the_host_does_not_hang() -> None:
    class Provider:
        async def enter(self) -> int:
            return int(await self.instance.call("f"))

        instance: Any

    guest = core(
        f"{F} (call $enter))",
        SYNC,
        f'(import "{HOST}" (instance $host (export "enter" (func (result u32)))))',
        {"enter": ('lower (func $host "enter")', "(result i32)")},
    )
    provider = Provider()
    async with attacked(guest, provider, limits=Limits(run_time_s=0.1)) as instance:
        provider.instance = instance
        with pytest.raises((GuestTimeout, GuestTrap)):
            await instance.call("f")


async def test_a_trap_while_the_guest_is_instantiated_is_told_with_the_backtrace() -> None:
    guest = f"""(component {LIBC} (core module $m (func $s unreachable) (start $s) {F} (i32.const 1)))
      (core instance $i (instantiate $m)) {SYNC})"""
    trapped(await attack(guest), "unreachable")


# ---- streams and futures of the guest's own


@pytest.mark.parametrize("kind", ["future", "stream"])
@pytest.mark.parametrize("order", ["read write", "write read"])
async def test_a_guest_that_reads_strings_which_it_writes_itself_traps(kind: str, order: str) -> None:
    count = "i32" if kind == "stream" else ""
    funcs = {
        "new": (f"{kind}.new $t", "(result i64)"),
        "read": (f"{kind}.read $t async (memory $memory) (realloc $realloc)", f"(param i32 i32 {count}) (result i32)"),
        "write": (f"{kind}.write $t async (memory $memory)", f"(param i32 i32 {count}) (result i32)"),
    }
    one = "(i32.const 1)" if count else ""
    writable = "(i64.shr_u (local.get $both) (i64.const 32))"
    calls = {
        "read": f"(drop (call $read (i32.wrap_i64 (local.get $both)) (i32.const 16) {one}))",
        "write": f"(drop (call $write (i32.wrap_i64 {writable}) (i32.const 0) {one}))",
    }
    body = f"{F} (local $both i64) (local.set $both (call $new)) {' '.join(calls[word] for word in order.split())}"
    guest = core(f"{body} (i32.const 1))", SYNC, imports=f"(type $t ({kind} string))", funcs=funcs)
    assert trapped(await attack(guest), "cannot read from and write to intra-component future/stream")
