"""Plain lists, which cross as pointer and length: sizes, places, and what becomes of their memory."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace
from typing import Any

import pytest

from tests.abi.echo import HOST, guest
from tests.abi.running import assemble, running
from tests.abi.test_round_trips import Provider, Thing, check
from wasihost._base.errors import GuestTrap, LimitError, ProviderError
from wasihost._component.composition.protocol import ROOM_SIZE
from wasihost._component.instance import Instance
from wasihost._component.values import Err, Ok, Some, WitError
from wasihost._component.world import types
from wasihost._component.world.types import ValType

BYTES, U16S, U64S, F32S = (types.List(t) for t in (types.U8, types.U16, types.U64, types.F32))
MIB = 1 << 20
LARGE = os.urandom(ROOM_SIZE)
TEXTS = [text * length for text in ("x", "é", "\N{GRINNING FACE}", "a\0b") for length in range(300)]
SHAPE = types.Variant((("a", types.STRING), ("b", None), ("c", types.Option(types.U64)), ("d", types.List(types.CHAR))))
SHAPES = [
    SimpleNamespace(case="c", value=7),
    SimpleNamespace(case="b"),
    SimpleNamespace(case="d", value=["a", "b"]),
    SimpleNamespace(case="c", value=None),
    SimpleNamespace(case="a", value="a"),
]


def record(**fields: ValType) -> types.Record:
    return types.Record(tuple(fields.items()))


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, ROOM_SIZE - 1, ROOM_SIZE, ROOM_SIZE + 1, MIB])
async def test_bytes_of_this_size_come_back(size: int) -> None:
    for waits in (False, True):
        await check([BYTES], [(os.urandom(size),)], waits)


async def test_sixteen_mebibytes_come_back() -> None:
    await check([BYTES], [(os.urandom(16 * MIB),)])


async def test_many_numbers_come_back() -> None:
    await check([U64S], [(list(range(2**64 - 50_000, 2**64)),)])


@pytest.mark.parametrize(
    ("t", "samples"),
    [
        # Each is followed by one that needs more alignment.
        (record(a=BYTES, b=U64S, c=types.U8, d=F32S), [SimpleNamespace(a=b"odd", b=[2**64 - 1], c=1, d=[0.5] * 3)]),
        (types.Tuple((BYTES,) * 9), [tuple(bytes(n) for n in range(9)), (LARGE,) * 9]),
        (types.Option(types.Option(BYTES)), [None, Some(None), Some(b"x"), Some(LARGE)]),
        (types.Result(BYTES, U16S), [Ok(b""), Ok(LARGE), Err([]), Err([65535]), Err([7] * ROOM_SIZE)]),
        (types.Result(None, BYTES), [Ok(), Err(b"x"), Err(LARGE)]),
        (types.Variant((("a", BYTES), ("b", None), ("c", types.U64))), [SimpleNamespace(case="a", value=LARGE)]),
        (types.List(types.List(U16S)), [[], [[]], [[[]]], [[[1], [2, 3]], [], [[4] * ROOM_SIZE, []]]]),
        (types.List(record(a=types.STRING, b=BYTES)), [[SimpleNamespace(a="n", b=b"d" * i) for i in range(99)]]),
        (types.List(types.Tuple((types.STRING, BYTES, types.STRING))), [[("a" * i, bytes(i), "") for i in range(300)]]),
        (types.List(types.STRING), [["a"], ["", "a", ""], TEXTS, ["a" * 100_000, *TEXTS, ""], ["\0"] * 9, [""] * 9]),
        (types.List(types.List(types.STRING)), [[TEXTS, [], ["a"], TEXTS]]),
        (types.List(SHAPE), [[SimpleNamespace(case="a", value=str(i)) for i in range(30)], SHAPES * 10]),
        (types.List(types.Map(types.STRING, types.BOOL)), [[{}, {"a": True, "": False}, dict.fromkeys(TEXTS, True)]]),
    ],
)  # fmt: skip
async def test_lists_in_these_places_come_back(t: ValType, samples: list[Any]) -> None:
    for waits in (False, True):
        await check([t], [(sample,) for sample in samples], waits)


async def test_owned_resources_come_back_beside_lists_with_and_without_room() -> None:
    t = types.Tuple((types.Own(types.Resource("thing")), BYTES))
    for waits in (False, True):
        await check([t], [((Thing(), b"short"),), ((Thing(), LARGE * 2),)], waits)


@pytest.mark.parametrize("waits", [False, True])
async def test_bytes_come_back_in_results_whose_error_has_a_handle(waits: bool) -> None:
    error = types.Variant((("last-operation-failed", types.Own(types.Resource("thing"))), ("closed", None)))
    failed = SimpleNamespace(case="last-operation-failed", value=Thing())
    samples = [Ok(b""), Ok(b"some"), Ok(LARGE), Ok(LARGE + b"1"), Err(failed), Err(SimpleNamespace(case="closed"))]
    await check([types.Result(BYTES, error)], [(sample,) for sample in samples], waits)


class Gated(Provider):
    """Waits in `aecho` for ever."""

    def __init__(self) -> None:
        super().__init__([BYTES], False)
        self.started = asyncio.Semaphore(0)

        async def wait(x: bytes) -> bytes:
            self.started.release()
            await asyncio.Event().wait()
            return x

        self.aecho_0 = wait
        self.cecho_0 = lambda x, fill: wait(x)


def sizes(instance: Instance) -> tuple[int, int]:
    """Of the memories of adapter and driver component."""
    return instance._machine.host_calls.lists.memory.size, instance._machine.guest_calls.lists.memory.size


async def test_calls_that_return_leave_no_memory_behind() -> None:
    data = bytes(MIB)
    async with running(assemble(guest([BYTES])), {HOST: Provider([BYTES], False)}) as instance:
        for _ in range(2):
            await instance.call("echo-0", data)
            await instance.call("aecho-0", data)
        before = sizes(instance)
        for _ in range(20):
            await instance.call("echo-0", data)
            await instance.call("aecho-0", data)
        assert sizes(instance) == before


async def test_cancelled_calls_leave_no_memory_behind() -> None:
    data, provider = bytes(MIB), Gated()
    async with running(assemble(guest([BYTES])), {HOST: provider}) as instance:

        async def cancel_one() -> None:
            call = asyncio.create_task(instance.call("cecho-0", data, (0,) * 17))
            await provider.started.acquire()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            await instance.call("echo-0", b"")  # after the driver component has heard of it

        for _ in range(3):
            await cancel_one()
        before = sizes(instance)
        for _ in range(20):
            await cancel_one()
        assert sizes(instance) == before


async def test_arguments_that_are_wrong_leave_no_memory_behind() -> None:
    t = types.Tuple((BYTES, types.STRING))
    async with running(assemble(guest([t])), {HOST: Provider([t], False)}) as instance:
        await instance.call("echo-0", (bytes(MIB), "x"))
        before = sizes(instance)
        for _ in range(10):
            with pytest.raises(TypeError, match="argument x, element 1: expected string, got 'int'"):
                await instance.call("echo-0", (bytes(MIB), 5))
            with pytest.raises(TypeError, match="argument x, element 0: expected list<u8>, got 'int'"):
                await instance.call("echo-0", (5, "x"))
        assert await instance.call("echo-0", (bytes(MIB), "x")) == (bytes(MIB), "x")
        assert sizes(instance) == before


@pytest.mark.parametrize("name", ["echo-0", "aecho-0", "wait-0"])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (None, "expected list<u8>, got 'NoneType'"),
        ("text", "expected list<u8>, got 'str'"),
        ([1, 256], r"element 1: expected u8 \(0\.\.255\), got 256"),
        ([0] * ROOM_SIZE + ["x"], rf"element {ROOM_SIZE}: expected u8 \(0\.\.255\), got 'str'"),
    ],
)
async def test_a_provider_that_gives_something_else_is_reported(name: str, wrong: Any, message: str) -> None:
    provider = Provider([BYTES], False)

    async def wait(x: bytes) -> Any:
        return wrong

    setattr(provider, name.replace("-", "_"), wait if name == "wait-0" else lambda x: wrong)
    with pytest.raises(ProviderError, match=f"{HOST}#{name}: {message}"):
        async with running(assemble(guest([BYTES])), {HOST: provider}) as instance:
            await instance.call(name, b"")


@pytest.mark.parametrize("name", ["echo-0", "aecho-0"])
async def test_a_wit_error_without_a_result_is_reported(name: str) -> None:
    provider = Provider([BYTES], False)

    def fail(x: bytes) -> bytes:
        raise WitError(x)

    setattr(provider, name.replace("-", "_"), fail)
    with pytest.raises(ProviderError, match="returns no result"):
        async with running(assemble(guest([BYTES])), {HOST: provider}) as instance:
            await instance.call(name, b"")


class Huge(list[int]):
    """A list that says to be much longer than it is."""

    def __len__(self) -> int:
        return 1 << 30


@pytest.mark.parametrize("name", ["echo-0", "aecho-0"])
async def test_a_result_beyond_the_limit_is_reported(name: str) -> None:
    provider = Provider([U16S], False)
    setattr(provider, name.replace("-", "_"), lambda x: Huge())
    with pytest.raises(LimitError, match=f"{HOST}#{name}: lists of 2147483648 bytes in one result"):
        async with running(assemble(guest([U16S])), {HOST: provider}) as instance:
            await instance.call(name, [])


async def test_arguments_beyond_the_limit_are_told_and_other_calls_go_on() -> None:
    async with running(assemble(guest([U16S])), {HOST: Provider([U16S], False)}) as instance:
        with pytest.raises(LimitError, match="echo-0: lists of 2147483648 bytes"):
            await instance.call("echo-0", Huge())
        assert await instance.call("echo-0", [1]) == [1]


LIAR = """
(component
  (import "test:numbers/host" (instance $host (export "take" (func (param "x" (list u8))))))
  (core module $libc (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $libc (instantiate $libc))
  (core func $take (canon lower (func $host "take") (memory (core memory $libc "memory"))))
  (core module $m
    (import "" "take" (func $take (param i32 i32)))
    (func (export "run") (param i32 i32) (call $take (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m (with "" (instance (export "take" (func $take))))))
  (func (export "run") (param "p" u32) (param "n" u32) (canon lift (core func $i "run"))))
"""


@pytest.mark.parametrize(("pointer", "length"), [(65535, 2), (65537, 0), (0, 65537), (8, 2**32 - 1), (2**32 - 8, 16)])
async def test_a_guest_that_lies_about_a_list_traps(pointer: int, length: int) -> None:
    provider = SimpleNamespace(take=lambda x: pytest.fail("the provider was called"))
    with pytest.raises(GuestTrap):
        async with running(assemble(LIAR), {"test:numbers/host": provider}) as instance:
            await instance.call("run", pointer, length)


REPEATING = """
(component
  (import "test:numbers/host" (instance $host (export "take" (func (param "x" (list (list u8)))))))
  (core module $libc (memory (export "memory") 1025)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $libc (instantiate $libc))
  (core func $take (canon lower (func $host "take") (memory (core memory $libc "memory"))))
  (core module $m
    (import "" "take" (func $take (param i32 i32)))
    (import "libc" "memory" (memory 1))
    (func (export "run") (param $n i32) (local $i i32)
      (loop $next
        (i32.store (i32.shl (local.get $i) (i32.const 3)) (i32.const 65536))
        (i32.store offset=4 (i32.shl (local.get $i) (i32.const 3)) (i32.const 0x3ffffe0))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
      (call $take (i32.const 0) (local.get $n))))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance (export "take" (func $take))))))
  (func (export "run") (param "n" u32) (canon lift (core func $i "run"))))
"""


@pytest.mark.slow
async def test_a_list_that_is_passed_many_times_over_comes_to_a_limit() -> None:
    seen: list[int] = []
    provider = SimpleNamespace(take=lambda x: seen.append(sum(map(len, x))))
    async with running(assemble(REPEATING), {"test:numbers/host": provider}) as instance:
        await instance.call("run", 2)
        with pytest.raises(LimitError, match="the limit values_in_flight_bytes is 536870912"):
            await instance.call("run", 100)
    assert seen == [2 * 0x3FFFFE0]


async def test_the_end_of_a_guests_memory_can_be_passed() -> None:
    seen: list[bytes] = []
    async with running(assemble(LIAR), {"test:numbers/host": SimpleNamespace(take=seen.append)}) as instance:
        await instance.call("run", 65535, 1)
        await instance.call("run", 65536, 0)
    assert seen == [b"\0", b""]
