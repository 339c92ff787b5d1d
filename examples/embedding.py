import asyncio
from pathlib import Path

import wasmtime
from wasmtime.component import Component, Instance, Linker

import wasihost


async def run(wasm: bytes) -> None:
    """With connect, listen, send, receive, or any other async function, stream or future: adapt the component."""
    engine = wasmtime.Engine(wasihost.configure(wasmtime.Config()))
    adapted = wasihost.adapt(engine, wasm)
    providers = wasihost.Host(policy=wasihost.allow_all).providers()  # by interface name; add your own
    async with adapted.open(providers, store=wasmtime.Store(engine), linker=Linker(engine)) as instance:
        await instance.call("wasi:cli/run#run")


def instantiate(engine: wasmtime.Engine, store: wasmtime.Store, wasm: bytes, table: wasihost.ResourceTable) -> Instance:
    """With the other 22 methods of tcp-socket only: your linker as it is, no adapter component in the path.

    `add_wasip2_tcp_to_linker` does the same for `wasi:sockets/tcp@0.2`. With Wasmtime 50.0.1 a guest can neither bind
    nor connect a socket of its own there (docs/reference/wasi-0.2.md).
    """
    linker = Linker(engine)
    wasihost.add_tcp_to_linker(linker, table, wasihost.OsNetwork(), wasihost.allow_all)
    return linker.instantiate(store, Component(engine, wasm))


if __name__ == "__main__":
    asyncio.run(run(Path("guest-fixtures/prebuilt/rust-two-versions.wasm").read_bytes()))
