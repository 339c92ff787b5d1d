"""Connections of a guest with itself over loopback: allowed without a rule, and nothing else is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from wasihost import Rules
from wasihost._network.base import Address
from wasihost._network.os import OsNetwork
from wasihost._policy import Policy, deny_all
from wasihost._wasi.sockets.accept import Acceptor
from wasihost._wasi.sockets.access import Access, Refused
from wasihost._wasi.sockets.states import State
from wasihost._wasi.sockets.tcp import TcpSocket


class Guest:
    """What a guest of 0.2 does with TCP; its sockets are closed at the end of the test."""

    def __init__(self, policy: Policy = Rules()) -> None:  # noqa: B008
        self.access = Access(OsNetwork(), policy)
        self._opened: list[TcpSocket | Acceptor[TcpSocket]] = []

    def socket(self, makes_pairs: bool = True) -> TcpSocket:
        return self._kept(TcpSocket.create(self.access, 4, makes_pairs=makes_pairs))

    def bind(self, text: str = "127.0.0.1", port: int = 0) -> TcpSocket:
        made = self.socket()
        assert made.bind(Address(ip_address(text), port)) is None
        return made

    def listen(self) -> tuple[Acceptor[TcpSocket], Address]:
        listener = self.bind()
        acceptor = listener.listen()
        assert isinstance(acceptor, Acceptor)
        self._opened.append(acceptor)
        return acceptor, listener.local_address()

    async def connect(self, address: Address) -> TcpSocket:
        made = self.socket()
        connecting = made.connect(address)
        if connecting is not None:
            await connecting
        return made

    async def accept(self, acceptor: Acceptor[TcpSocket]) -> TcpSocket | None:
        while True:
            try:
                accepted = acceptor.accept()
                return accepted and self._kept(accepted)
            except BlockingIOError:
                await asyncio.sleep(0)

    def close(self) -> None:
        for each in self._opened:
            each.close()

    def _kept(self, made: TcpSocket) -> TcpSocket:
        self._opened.append(made)
        return made


@pytest.fixture
def guest(request: pytest.FixtureRequest) -> Callable[..., Guest]:
    """Makes guests."""

    def make(policy: Policy = Rules()) -> Guest:  # noqa: B008
        made = Guest(policy)
        request.addfinalizer(made.close)
        return made

    return make


async def test_a_guest_makes_a_pair_over_loopback(guest: Callable[..., Guest]) -> None:
    program = guest()
    acceptor, address = program.listen()
    connected = await program.connect(address)
    accepted = await program.accept(acceptor)
    assert accepted is not None
    assert (connected.state, accepted.state) == (State.CONNECTED, State.CONNECTED)
    assert accepted.remote_address() == connected.local_address()


async def test_a_stranger_who_connects_to_it_is_reset_and_never_seen(guest: Callable[..., Guest]) -> None:
    program = guest()
    acceptor, address = program.listen()
    with socket.create_connection((str(address.ip), address.port)) as stranger:
        connected = await program.connect(address)
        accepted = await program.accept(acceptor)
        assert accepted is not None
        assert accepted.remote_address() == connected.local_address()
        with pytest.raises(ConnectionResetError):
            stranger.recv(1)


async def test_another_guest_may_not_connect_to_it(guest: Callable[..., Guest]) -> None:
    _, address = guest().listen()
    with pytest.raises(Refused):
        await guest().connect(address)


async def test_nothing_may_be_connected_to_that_the_guest_does_not_listen_on(guest: Callable[..., Guest]) -> None:
    program = guest()
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(Refused):
        await program.connect(Address(ip_address("127.0.0.1"), server.getsockname()[1]))
    acceptor, address = program.listen()
    acceptor.close()
    with pytest.raises(Refused):
        await program.connect(address)


def test_a_listener_must_have_a_free_port_of_loopback(guest: Callable[..., Guest]) -> None:
    for text, port in (("0.0.0.0", 0), ("127.0.0.1", 7707)):
        with pytest.raises(Refused):
            guest().bind(text, port)
    with pytest.raises(Refused):
        guest().socket().listen()


@pytest.mark.parametrize(
    "policy",
    [deny_all, Rules(inbound=["deny tcp://loopback:*"]), lambda address, use, context: False],
    ids=["deny_all", "a rule", "a function"],
)
def test_a_policy_that_refuses_it_is_obeyed(guest: Callable[..., Guest], policy: Policy) -> None:
    with pytest.raises(Refused):
        guest(policy).listen()


async def test_a_rule_that_denies_connecting_is_obeyed(guest: Callable[..., Guest]) -> None:
    program = guest(Rules(outbound=["deny tcp://loopback:*"]))
    _, address = program.listen()
    with pytest.raises(Refused):
        await program.connect(address)


async def test_where_a_rule_allows_the_listener_others_are_accepted_as_it_says(guest: Callable[..., Guest]) -> None:
    program = guest(Rules(inbound=["tcp://loopback:*"]))
    acceptor, address = program.listen()
    with socket.create_connection((str(address.ip), address.port)) as peer:
        accepted = await program.accept(acceptor)
        assert accepted is not None
        assert accepted.remote_address().port == peer.getsockname()[1]


def test_sockets_of_0_3_need_rules(guest: Callable[..., Guest]) -> None:
    with pytest.raises(Refused):
        guest().socket(makes_pairs=False).bind(Address(ip_address("127.0.0.1"), 0))
