"""Host functions run on stacks that Wasmtime made; Python must not mind (see `ffi.calls._poll_unchecked`)."""

from __future__ import annotations

import asyncio
import ctypes
import json
import pickle
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.abi.running import WAT, assemble, running
from tests.abi.test_names import PROVIDERS, Root

NAMES = assemble((WAT / "names.wat").read_text(encoding="utf-8"))
CHECKS_ADDRESSES = hasattr(ctypes.pythonapi, "PyUnstable_ThreadState_SetStackProtection")


async def in_host_functions(check: Callable[[], None]) -> None:
    """Runs a check in a sync and in an async function that a guest calls."""

    class Checking(Root):
        def root_sync(self, n: int) -> int:
            check()
            return n

        def root_async(self, n: int) -> Any:
            check()
            return n

    async with running(NAMES, {**PROVIDERS, "": Checking()}) as instance:
        assert await instance.call("root", 1) == 1


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def recurse(depth: int) -> int:
    return depth and 1 + recurse(depth - 1)


def works() -> None:
    """Things that ask how much stack is left."""
    deep = nested(50)
    assert json.loads(json.dumps(deep)) == pickle.loads(pickle.dumps(deep)) == deep
    assert repr(deep) == "[" * 51 + "]" * 51
    assert eval("(" * 20 + "1" + ")" * 20) == 1
    re.purge()
    assert re.compile("(a(b(c(d)*)*)*)*").match("abcd")
    assert recurse(300) == 300


def objects_die_at_once() -> None:
    """What Python puts off when it believes to be out of stack."""
    died: list[int] = []

    class Mortal:
        def __del__(self) -> None:
            died.append(1)

    thing = [[Mortal()]]
    del thing
    assert died == [1]


def python_recursion_is_limited() -> None:
    with pytest.raises(RecursionError):
        recurse(1_000_000)


@pytest.mark.parametrize("check", [works, objects_die_at_once, python_recursion_is_limited])
async def test_host_functions_have_all_of_python(check: Callable[[], None]) -> None:
    await in_host_functions(check)


@pytest.mark.parametrize("check", [works, objects_die_at_once, python_recursion_is_limited])
def test_host_functions_have_all_of_python_in_other_threads(check: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(in_host_functions(check))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.skipif(not CHECKS_ADDRESSES, reason="this Python does not check the C stack by address")
async def test_deep_recursion_in_c_is_limited_outside_of_host_functions() -> None:
    await in_host_functions(works)
    with pytest.raises(RecursionError):
        repr(nested(1_000_000))
