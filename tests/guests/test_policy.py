"""Policies: asked before every system call, by rules or any callable, sync or async."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable

import pytest

from tests.guests.harness import Guest, fails, load, passes, run, run_async, until
from tests.guests.peers import discard, echo, server
from tests.guests.test_tcp_methods import FIXTURE_OF
from tests.unit.wasi.sockets.fake_network import FakeNetwork
from wasihost import Decision, GuestExit, Host, Policy, PolicyContext, Rules, SocketAddressUse, allow_all, deny_all
from wasihost._network.base import Address
from wasihost._policy import NameUse, Use, refusals

BIND, LISTEN = SocketAddressUse.TCP_BIND, SocketAddressUse.TCP_LISTEN
ACCEPT, CONNECT = SocketAddressUse.TCP_ACCEPT, SocketAddressUse.TCP_CONNECT


class Recording:
    """A policy that notes what it is asked, and refuses some uses."""

    def __init__(self, *refused: SocketAddressUse) -> None:
        self.asked: list[tuple[SocketAddressUse, str]] = []
        self.refused = refused

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        self.asked.append((use, str(address.ip)))
        return use not in self.refused


class Slow(Recording):
    """The same as a coroutine that takes a few passes of the event loop."""

    async def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:  # type: ignore[override]
        await passes(3)
        return super().__call__(address, use, context)


@contextlib.asynccontextmanager
async def listening(policy: Policy, connections: int = 1) -> AsyncIterator[tuple[Guest, str, int]]:
    """The echo server guest, ready for connections."""
    guest = Guest("rust-echo-server", policy=policy, env={"CONNECTIONS": connections})
    async with guest.running():
        host, _, port = (await guest.stdout.first_line()).rpartition(" ")[2].rpartition(":")
        yield guest, host, int(port)


async def connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that exists before the guest can refuse it: the system completes it by itself."""
    return await asyncio.open_connection(sock=socket.create_connection((host, port)))


async def told(name: str, policy: Policy, **env: object) -> str:
    """What a guest that fails writes to its stderr."""
    guest = Guest(name, policy=policy, env=env)
    await fails(guest.host.run_async(load(name)), GuestExit)
    return str(guest.stderr)


policies = pytest.mark.parametrize("cls", [Recording, Slow], ids=["sync", "async"])


@policies
async def test_connecting_asks_for_the_implicit_bind_and_for_the_peer(cls: type[Recording]) -> None:
    policy = cls()
    async with server(discard) as peer:
        await run_async("rust-tcp-client", policy=policy, ADDRESS=peer.address, MODE="connect")
    assert policy.asked == [(CONNECT, "127.0.0.1"), (BIND, "0.0.0.0")]


@policies
async def test_serving_asks_for_bind_listen_and_each_accept(cls: type[Recording]) -> None:
    policy = cls()
    async with listening(policy, connections=2) as (_, host, port):
        for _ in range(2):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            await writer.wait_closed()
    uses = [use for use, _ in policy.asked]
    assert uses == [BIND, LISTEN, ACCEPT, ACCEPT]


@policies
@pytest.mark.parametrize("use", [BIND, CONNECT])
async def test_a_refused_connect_is_access_denied(cls: type[Recording], use: SocketAddressUse) -> None:
    async with server(discard) as peer:
        assert "access-denied" in await told("rust-tcp-client", cls(use), ADDRESS=peer.address, MODE="connect")
        assert peer.connections == 0


@policies
@pytest.mark.parametrize("use", [BIND, LISTEN])
async def test_a_refused_bind_or_listen_is_access_denied(cls: type[Recording], use: SocketAddressUse) -> None:
    assert "access-denied" in await told("rust-echo-server", cls(use))


@policies
async def test_a_refused_peer_is_reset_and_invisible_to_the_guest(cls: type[Recording]) -> None:
    policy = cls(ACCEPT)
    async with listening(policy, connections=1) as (guest, host, port):
        for _ in range(3):
            reader, writer = await connect(host, port)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
            with contextlib.suppress(ConnectionResetError):
                await writer.wait_closed()
        await until(lambda: len(policy.asked) == 5)
        policy.refused = ()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"let in")
        assert await reader.readexactly(6) == b"let in"
        writer.close()
        await writer.wait_closed()
    assert str(guest.stderr) == ""


async def test_an_async_policy_of_one_guest_holds_up_no_other() -> None:
    decision: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def undecided(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        return await decision

    slow = Guest("rust-echo-server", policy=undecided, env={"CONNECTIONS": 0})
    task = asyncio.create_task(slow.run_async())
    async with server(echo) as peer:
        await run_async("rust-tcp-client", ADDRESS=peer.address)
    assert not task.done()
    decision.set_result(True)
    assert (await task).startswith("listening on ")


@pytest.mark.parametrize("case", ["bind", "connect", "listen", "send-and-receive", "accept-many"])
def test_an_async_policy_works_for_every_use(case: str) -> None:
    assert run(FIXTURE_OF[case], policy=Slow(), CASE=case) == f"ok {case}\n"


def test_an_async_policy_works_for_the_c_guest() -> None:
    assert run("c-tcp-methods", policy=Slow()).endswith("ok unconnected\n")


# ---- what a policy raises, and one that never answers


class Failing:
    """A policy that fails for one use, in one of several ways."""

    def __init__(self, use: Use, way: str) -> None:
        self.use, self.way = use, way
        self.asked, self.ended = asyncio.Event(), False

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool | Awaitable[bool]:
        return self._answer() if use is self.use else True

    def may_resolve(self, name: str, context: PolicyContext) -> bool | Awaitable[bool]:
        return self._answer()

    def _answer(self) -> Awaitable[bool]:
        self.asked.set()
        if self.way == "at once":
            raise Mine("in the policy")
        return self._later()

    async def _later(self) -> bool:
        await passes(3)
        if self.way == "later":
            raise Mine("in the policy")
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True
        return True


class Mine(OSError):
    """An error of the embedder, which is not one of the network although it looks like it."""


@contextlib.asynccontextmanager
async def asking_for(use: Use, policy: Failing) -> AsyncIterator[asyncio.Task[str]]:
    """A guest that uses something, and whoever it takes for that outside; what is outside must survive its end."""
    name, noted = ASKING[use]
    async with contextlib.AsyncExitStack() as stack:
        peer = await stack.enter_async_context(server(discard))
        guest = Guest(name, policy=policy, env={"ADDRESS": ADDRESSES.get(name, peer.address), "CASE": "print"})
        task = asyncio.create_task(guest.run_async())
        if use in (ACCEPT, SocketAddressUse.UDP_SEND, SocketAddressUse.UDP_RECEIVE):
            port = int((await guest.stdout.first_line()).rpartition(":")[2])
            kind = socket.SOCK_STREAM if use is ACCEPT else socket.SOCK_DGRAM
            outside = stack.enter_context(socket.socket(type=kind))
            outside.connect(("127.0.0.1", port))
            if use is not ACCEPT:
                outside.send(b"x")
        yield task
        error = await fails(task, Mine, asyncio.CancelledError)
        assert isinstance(error, asyncio.CancelledError) or any(noted in note for note in error.__notes__)


ADDRESSES = {"rust-echo-server": "127.0.0.1:0", "rust-udp-echo": "127.0.0.1:0"}
ASKING: dict[Use, tuple[str, str]] = {
    BIND: ("rust-echo-server", "tcp-socket.bind"),
    LISTEN: ("rust-echo-server", "tcp-socket.listen"),
    ACCEPT: ("rust-echo-server", "tcp-socket.listen"),
    CONNECT: ("rust-tcp-client", "tcp-socket.connect"),
    SocketAddressUse.UDP_BIND: ("rust-udp-echo", "udp-socket.bind"),
    SocketAddressUse.UDP_SEND: ("rust-udp-echo", "udp-socket.send"),
    SocketAddressUse.UDP_RECEIVE: ("rust-udp-echo", "udp-socket.receive"),
    NameUse.RESOLVE: ("rust-resolve", "ip-name-lookup"),
}
every_use = pytest.mark.parametrize("use", ASKING, ids=lambda use: use.value)


def test_every_use_is_tried() -> None:
    assert set(ASKING) == {*SocketAddressUse, *NameUse}


@every_use
@pytest.mark.parametrize("way", ["at once", "later"])
async def test_an_exception_of_a_policy_reaches_the_embedder_and_nothing_is_left(use: Use, way: str) -> None:
    async with asking_for(use, Failing(use, way)) as task:
        await asyncio.wait([task])
        assert not task.cancelled()


@every_use
async def test_a_run_that_is_cancelled_while_a_policy_thinks_gives_it_up_and_nothing_is_left(use: Use) -> None:
    policy = Failing(use, "never")
    async with asking_for(use, policy) as task:
        await policy.asked.wait()
        await passes(5)
        assert not task.done()
        task.cancel()
    assert policy.ended


# ---- the log


async def test_refusals_beyond_the_bound_of_the_log_are_counted_to_the_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_A_SECOND", 1)
    decisions: list[Decision] = []
    env = {"CASE": "denied"}
    await Host(env=env, on_decision=decisions.append, stdout=lambda data: None).run_async(load("rust-tcp-states"))
    assert len(decisions) > 2
    logged = [record for record in caplog.records if hasattr(record, "decision")]
    counted = [record.__dict__["refusals"] for record in caplog.records if record not in logged]
    assert len(logged) + sum(counted) == len(decisions)
    assert caplog.records[-1] not in logged


# ---- nothing happens before the answer


@pytest.mark.parametrize("refused", [BIND, LISTEN])
async def test_a_refused_use_makes_no_system_call(refused: SocketAddressUse) -> None:
    network = FakeNetwork()
    host = Host(policy=Recording(refused), network=network, stdout=lambda data: None, stderr=lambda data: None)
    await fails(host.run_async(load("rust-echo-server")), GuestExit)
    forbidden = {BIND: {"bind", "listen"}, LISTEN: {"listen"}}[refused]
    assert not forbidden & {call for made in network.made for call in made.calls}


@pytest.mark.parametrize("refused", [BIND, CONNECT])
async def test_a_refused_connect_makes_no_system_call(refused: SocketAddressUse) -> None:
    network = FakeNetwork()
    env = {"ADDRESS": "192.0.2.1:80", "MODE": "connect"}
    host = Host(policy=Recording(refused), network=network, env=env, stderr=lambda data: None)
    await fails(host.run_async(load("rust-tcp-client")), GuestExit)
    assert not {"connect", "bind"} & {call for made in network.made for call in made.calls}


# ---- rules


async def test_nothing_is_allowed_by_default() -> None:
    stderr: list[bytes] = []
    await fails(Host(stdout=stderr.append, stderr=stderr.append).run_async(load("rust-echo-server")), GuestExit)
    assert b"access-denied" in b"".join(stderr)


async def test_an_outbound_rule_lets_a_guest_connect() -> None:
    async with server(echo) as peer:
        rules = Rules(outbound=[f"tcp://{peer.address}"])
        await run_async("rust-tcp-client", policy=rules, ADDRESS=peer.address)


async def test_an_outbound_rule_for_another_port_does_not() -> None:
    async with server(echo) as peer, server(echo) as other:
        rules = Rules(outbound=[f"tcp://{other.address}"])
        assert "access-denied" in await told("rust-tcp-client", rules, ADDRESS=peer.address)


async def test_an_inbound_rule_lets_a_guest_serve() -> None:
    async with listening(Rules(inbound=["tcp://127.0.0.1:*"])) as (_, host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("rules", [Rules(outbound=["tcp://*:*"]), Rules(inbound=["tcp://192.0.2.1:*"]), deny_all])
async def test_without_a_matching_inbound_rule_a_guest_cannot_listen(rules: Policy) -> None:
    assert "access-denied" in await told("rust-echo-server", rules)


def test_rules_that_allow_everything_are_enough_for_every_method() -> None:
    rules = Rules(outbound=["tcp://*:*"], inbound=["tcp://*:*"])
    assert run("c-tcp-methods", policy=rules) == run("c-tcp-methods", policy=allow_all)
