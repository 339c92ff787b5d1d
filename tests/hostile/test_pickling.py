"""Through a process pool: what guests return, and the errors that they end with."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
import wasmtime

from tests.cli import commands
from tests.guests.exports import opened_api
from tests.guests.test_exports_values import CIRCLE, NOTHING, PERSON, Permissions
from wasihost import GuestExit, GuestTrap, Host, LimitError, Limits, WasihostError

DEEP = commands.command("(call $f) i32.const 0", core_imports="(func $f (call $f))")


def answers() -> list[Any]:
    """Values of each generated kind, from a guest."""

    async def call() -> list[Any]:
        async with opened_api() as api:
            return [
                await api.call("echo-person", PERSON),
                await api.call("echo-color", "green"),
                await api.call("echo-permissions", Permissions.READ),
                *[await api.call("echo-shape", shape) for shape in (CIRCLE, NOTHING)],
                *await api.call("echo-nested", [(CIRCLE, None)]),
            ]

    return asyncio.run(call())


def end(wasm: bytes) -> None:
    Host(limits=Limits(stack_bytes=1 << 16)).run(wasm)


def error_of(wasm: bytes) -> WasihostError:
    with pytest.raises(WasihostError) as caught:
        end(wasm)
    return caught.value


@pytest.mark.slow
def test_values_and_errors_of_another_process_equal_those_of_this_one() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        theirs = pool.submit(answers).result()
        errors = {kind: pool.submit(end, wasm).exception() for kind, wasm in ENDS.items()}
    ours = answers()
    assert theirs == ours
    assert list(map(type, theirs)) == list(map(type, ours))
    assert {*map(hash, ours[1:5])} == {*map(hash, theirs[1:5])}
    for kind, error in errors.items():
        assert type(error) is kind
        assert str(error) == str(error_of(ENDS[kind]))


ENDS: dict[type[WasihostError], bytes] = {
    GuestTrap: commands.TRAP,
    GuestExit: commands.ERR,
    LimitError: DEEP,
}


INVALID = [bytes(wasmtime.wat2wasm('(component (import "f" (func (type 7))))')), commands.command("i64.const 0")]


@pytest.mark.parametrize("wasm", [*ENDS.values(), *INVALID])
def test_an_error_holds_nothing_that_cannot_be_pickled(wasm: bytes) -> None:
    error: BaseException | None = error_of(wasm)
    while error is not None:
        pickle.dumps(error)
        error = error.__cause__ or error.__context__
