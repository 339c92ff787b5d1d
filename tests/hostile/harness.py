"""Runs a hostile guest beside a harmless one, and looks at what is left.

Guests are written as text by the tests: `core` makes a component around one core module that imports what it needs of
the host and of the canonical built-ins.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
from collections.abc import AsyncIterator, Mapping
from typing import Any

import wasmtime

from tests.abi.running import WAT, assemble
from tests.guests.harness import until
from wasihost import Host, Instance, Limits, ResourceTable, WasihostError
from wasihost._component import ffi
from wasihost._component.adapt import Component
from wasihost._component.ffi import calls
from wasihost._component.running import memory

HOST = "test:hostile/host"
LIBC = """
  (core module $libc
    (memory (export "memory") 2)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))"""


def core(body: str, lifts: str, imports: str = "", funcs: Mapping[str, tuple[str, str]] | None = None) -> str:
    """A component: `imports` of the host, a libc, one core module with `body`, `lifts` of its exports.

    `funcs` are the module's imports, by name: (what `canon` makes it, core signature); `$name` in the body.
    """
    funcs = funcs or {}
    canons = "".join(f"(core func ${name} (canon {canon}))\n" for name, (canon, _) in funcs.items())
    wanted = "".join(f'(import "" "{name}" (func ${name} {signature}))\n' for name, (_, signature) in funcs.items())
    given = "".join(f'(export "{name}" (func ${name}))' for name in funcs)
    return f"""(component {imports} {LIBC}
      {canons}
      (core module $m (import "libc" "memory" (memory 0)) {wanted} {body})
      (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance {given}))))
      {lifts})"""


SYNC = '(func (export "f") (result u32) (canon lift (core func $i "f")))'
"""Lifts a core function `f` that gives a number."""
ASYNC = '(func (export "f") async (result u32) (canon lift (core func $i "f")))'
"""The same as an async export, in which the guest may wait."""
CALLBACK = (
    '(func (export "f") async (result u32) (canon lift (core func $i "f") async (callback (core func $i "callback"))))'
)
"""Lifts `f` and its `callback`."""


@functools.cache
def _harmless() -> Component:
    return assemble((WAT / "tasks.wat").read_text(encoding="utf-8"))


class _Wait:
    async def wait(self, n: int) -> int:
        return n


@contextlib.asynccontextmanager
async def bystander() -> AsyncIterator[None]:
    """Another guest on the same event loop, which is called meanwhile and answers, and after."""

    answered = 0

    async def call_on_and_on() -> None:
        nonlocal answered
        while True:
            answered = await instance.call("count")
            await asyncio.sleep(0)

    async with Host(providers={"test:wat/host": _Wait()}).open(_harmless()) as instance:
        calling = asyncio.create_task(call_on_and_on())
        await until(lambda: answered)
        try:
            yield
        finally:
            before = answered
            await until(lambda: answered >= before + 3)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
        assert await instance.call("slow", 6) == 7


def held() -> tuple[int, int]:
    """Memories and continuations that Wasmtime holds of ours; callbacks belong to the component."""
    gc.collect()
    return len(memory._memories), sum(isinstance(kept, ffi.Continuation) for kept in calls._kept.values())


@contextlib.asynccontextmanager
async def attacked(
    guest: str | bytes | Component,
    provider: object = None,
    *,
    limits: Limits | None = None,
    origin: str = HOST,
    **options: Any,
) -> AsyncIterator[Instance]:
    """An instance of a hostile guest, whatever error it ends with; nothing of it is left afterwards."""
    limits = limits or Limits()
    host = Host(limits=limits, providers={origin: provider} if provider is not None else {}, **options)
    async with bystander():
        if isinstance(guest, str):
            guest = bytes(wasmtime.wat2wasm(guest))
        loaded = host.load(guest)
        before = held()
        tables: list[ResourceTable] = []
        try:
            async with host.open(loaded) as instance:
                tables.append(instance._machine.table)
                yield instance
        finally:
            assert not any(map(len, tables))
            assert held() == before
            assert host._settings.memory.used == 0


async def attack(
    guest: str | bytes | Component, provider: object = None, *args: Any, name: str = "f", **options: Any
) -> Any:
    """What a call of the hostile guest gives, or the error of ours that ends it."""
    try:
        async with attacked(guest, provider, **options) as instance:
            return await instance.call(name, *args)
    except WasihostError as error:
        return error.with_traceback(None)
