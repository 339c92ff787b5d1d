"""`add_tcp_to_linker`: the 22 sync methods of tcp-socket in an embedder's own linker, called through wasmtime-py."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import wasmtime
from wasmtime.component import Component, Linker, Variant

from tests.embedding.plain_guest import functions, plain_guest
from tests.guests.test_prebuilt import TCP_FUNCTIONS
from tests.unit.wasi.sockets.fake_network import FakeNetwork
from wasihost import (
    GuestTrap,
    OsNetwork,
    Policy,
    PolicyContext,
    ProviderError,
    ResourceTable,
    Rules,
    SocketAddressUse,
    add_tcp_to_linker,
    allow_all,
    configure,
)
from wasihost._network.base import Address, Network

ENGINES: dict[str, Callable[[], wasmtime.Engine]] = {
    "plain": wasmtime.Engine,  # as wasmtime-py makes it
    "configured": lambda: wasmtime.Engine(configure(wasmtime.Config())),
}
NEED_AN_ADAPTER = ["connect", "listen", "send", "receive"]


def loopback(port: int) -> Variant:
    return Variant("ipv4", SimpleNamespace(port=port, address=(127, 0, 0, 1)))


ANY_PORT = loopback(0)


class Embedder:
    """A program with its own engine, linker and store."""

    def __init__(self, engine: wasmtime.Engine, network: Network | None = None, policy: Policy = allow_all) -> None:
        self.table = ResourceTable()
        self.store, linker = wasmtime.Store(engine), Linker(engine)
        add_tcp_to_linker(linker, self.table, network or OsNetwork(), policy)
        self.instance = linker.instantiate(self.store, Component(engine, plain_guest(engine)))

    def call(self, name: str, *args: Any) -> Any:
        """Calls a method that the guest forwards."""
        func = self.instance.get_func(self.store, name)
        assert func is not None
        return func(self.store, *args)

    def create(self) -> Any:
        return self.call("create", "ipv4")

    def socket(self) -> Socket:
        return Socket(self)


class Socket:
    """A tcp-socket that is dropped at the end."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def __enter__(self) -> Socket:
        self.handle = self.embedder.create()
        return self

    def __exit__(self, *_: object) -> None:
        self.embedder.call("drop", self.handle)
        assert len(self.embedder.table) == 0

    def ask(self, name: str, *args: Any) -> Any:
        return self.embedder.call(name, self.handle, *args)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> wasmtime.Engine:
    return ENGINES[request.param]()


def code(result: Any) -> str:
    """The error-code of a result that is err."""
    assert isinstance(result, Variant)
    return result.tag if result.tag != "err" else code(result.payload)


def ok(result: Any) -> Any:
    """The value of a result that is ok."""
    if isinstance(result, Variant):
        assert result.tag == "ok"
        return result.payload
    return result


# ---- what is registered


def test_it_is_every_function_but_those_that_need_an_adapter(engine: wasmtime.Engine) -> None:
    needing = {f"[method]tcp-socket.{name}" for name in NEED_AN_ADAPTER}
    assert set(functions(engine)) == set(TCP_FUNCTIONS) - needing
    assert len(functions(engine)) == 21


def test_a_guest_that_imports_all_of_them_can_be_instantiated(engine: wasmtime.Engine) -> None:
    Embedder(engine)


def test_a_guest_that_connects_cannot(engine: wasmtime.Engine) -> None:
    component = Component(
        engine,
        wasmtime.wat2wasm("""(component (import "wasi:sockets/types@0.3.0" (instance
      (export "tcp-socket" (type $s (sub resource)))
      (export "[method]tcp-socket.receive" (func (param "self" (borrow $s)) (result u32))))))"""),
    )
    linker = Linker(engine)
    add_tcp_to_linker(linker, ResourceTable(), OsNetwork())
    with pytest.raises(wasmtime.WasmtimeError, match="receive"):
        linker.instantiate(wasmtime.Store(engine), component)


# ---- each method


def test_create_makes_a_resource_and_drop_takes_it_away(engine: wasmtime.Engine) -> None:
    embedder = Embedder(engine)
    sockets = [embedder.create() for _ in range(3)]
    assert len(embedder.table) == 3
    for socket in sockets:
        embedder.call("drop", socket)
    assert len(embedder.table) == 0


def test_the_address_family(engine: wasmtime.Engine) -> None:
    with Embedder(engine).socket() as socket:
        assert socket.ask("get-address-family") == "ipv4"


def test_bind_and_the_local_address(engine: wasmtime.Engine) -> None:
    with Embedder(engine).socket() as socket:
        assert code(socket.ask("get-local-address")) == "invalid-state"
        assert ok(socket.ask("bind", ANY_PORT)) is None
        local = ok(socket.ask("get-local-address"))
        assert local.tag == "ipv4"
        assert local.payload.port != 0
        assert local.payload.address == (127, 0, 0, 1)


def test_the_remote_address_and_listening(engine: wasmtime.Engine) -> None:
    with Embedder(engine).socket() as socket:
        assert code(socket.ask("get-remote-address")) == "invalid-state"
        assert socket.ask("get-is-listening") is False


def test_the_backlog(engine: wasmtime.Engine) -> None:
    with Embedder(engine).socket() as socket:
        assert code(socket.ask("set-listen-backlog-size", 0)) == "invalid-argument"
        assert ok(socket.ask("set-listen-backlog-size", 10)) is None


OPTIONS = [
    ("keep-alive-enabled", True),
    ("keep-alive-idle-time", 7_000_000_000),
    ("keep-alive-interval", 3_000_000_000),
    ("keep-alive-count", 5),
    ("hop-limit", 42),
    ("receive-buffer-size", 65536),
    ("send-buffer-size", 65536),
]


@pytest.mark.parametrize(("option", "value"), OPTIONS)
def test_options_are_set_and_read_back(engine: wasmtime.Engine, option: str, value: Any) -> None:
    with Embedder(engine).socket() as socket:
        assert ok(socket.ask(f"set-{option}", value)) is None
        assert ok(socket.ask(f"get-{option}")) == value


def test_an_error_code_with_text_reaches_the_guest() -> None:
    network = FakeNetwork()
    with Embedder(wasmtime.Engine(), network).socket() as socket:
        network.made[-1].fails["get_option"] = [OSError(9999, "")]
        result = socket.ask("get-hop-limit")
    assert os.strerror(9999) in repr(result if isinstance(result, str) else result.payload)


# ---- resources


@pytest.mark.parametrize("function", ["drop-twice", "drop-and-use"])
def test_a_guest_that_uses_what_it_dropped_traps(engine: wasmtime.Engine, function: str) -> None:
    embedder = Embedder(engine)
    with pytest.raises(wasmtime.WasmtimeError, match="unknown handle index"):
        embedder.call(function, embedder.create())
    assert len(embedder.table) == 0


def test_the_embedder_cannot_use_what_it_gave_away(engine: wasmtime.Engine) -> None:
    embedder = Embedder(engine)
    socket = embedder.create()
    embedder.call("drop", socket)
    with pytest.raises(ValueError, match="already closed"):
        embedder.call("get-hop-limit", socket)


def test_a_socket_taken_out_of_the_table_is_a_trap_and_not_somebody_elses(engine: wasmtime.Engine) -> None:
    embedder = Embedder(engine)
    lost, other = embedder.create(), embedder.create()
    embedder.table.drop(1)
    with pytest.raises(GuestTrap, match="resource 1 was dropped or never existed; expected TcpSocket"):
        embedder.call("get-hop-limit", lost)
    assert len(embedder.table) == 1
    embedder.table.clear()
    del other


def test_sockets_that_the_guest_keeps_are_closed_with_the_table(engine: wasmtime.Engine) -> None:
    embedder = Embedder(engine)
    embedder.create()
    assert len(embedder.table) == 1
    embedder.table.clear()
    assert len(embedder.table) == 0


def test_two_linkers_of_one_engine_share_nothing(engine: wasmtime.Engine) -> None:
    one, other = Embedder(engine), Embedder(engine)
    with one.socket():
        assert (len(one.table), len(other.table)) == (1, 0)


# ---- policies


def test_nothing_is_allowed_without_a_policy(engine: wasmtime.Engine) -> None:
    table, store, linker = ResourceTable(), wasmtime.Store(engine), Linker(engine)
    add_tcp_to_linker(linker, table, OsNetwork())
    instance = linker.instantiate(store, Component(engine, plain_guest(engine)))
    create, bind, drop = (instance.get_func(store, name) for name in ("create", "bind", "drop"))
    assert create
    assert bind
    assert drop
    socket = create(store, "ipv4")
    assert code(bind(store, socket, ANY_PORT)) == "access-denied"
    drop(store, socket)


def test_rules_decide(engine: wasmtime.Engine) -> None:
    with Embedder(engine, policy=Rules(inbound=["tcp://127.0.0.1:*"])).socket() as socket:
        assert (
            code(socket.ask("bind", Variant("ipv4", SimpleNamespace(port=0, address=(0, 0, 0, 0))))) == "access-denied"
        )
        assert ok(socket.ask("bind", ANY_PORT)) is None


def test_an_async_policy_that_answers_at_once_is_as_good_as_a_sync_one(engine: wasmtime.Engine) -> None:
    async def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        return True

    with Embedder(engine, policy=policy).socket() as socket:
        assert ok(socket.ask("bind", ANY_PORT)) is None


def test_an_async_policy_that_waits_is_told_what_to_do_instead(engine: wasmtime.Engine) -> None:
    async def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        await asyncio.sleep(0)
        return True

    embedder = Embedder(engine, policy=policy)
    socket = embedder.create()
    with pytest.raises(ProviderError, match="use a policy that answers at once") as caught:
        embedder.call("bind", socket, ANY_PORT)
    assert "[method]tcp-socket.bind" in str(caught.value)
    embedder.table.clear()


def test_a_policy_that_raises_ends_the_call_with_its_exception(engine: wasmtime.Engine) -> None:
    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        raise ZeroDivisionError("in the policy")

    embedder = Embedder(engine, policy=policy)
    socket = embedder.create()
    with pytest.raises(ZeroDivisionError, match="in the policy"):
        embedder.call("bind", socket, ANY_PORT)
    embedder.table.clear()


def test_a_keyboard_interrupt_in_a_policy_comes_out_of_the_call(engine: wasmtime.Engine) -> None:
    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        raise KeyboardInterrupt

    embedder = Embedder(engine, policy=policy)
    socket = embedder.create()
    with pytest.raises(KeyboardInterrupt):
        embedder.call("bind", socket, ANY_PORT)
    with Embedder(engine).socket() as another:
        assert another.ask("get-is-listening") is False
    embedder.table.clear()
