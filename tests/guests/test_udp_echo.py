"""`rust-udp-echo`, with plain Python sockets on the other side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.guests import world
from tests.guests.harness import LOOPBACK, FamilyName, Guest, families, passes, text, until
from tests.guests.world import Client
from wasihost import Policy, PolicyContext, Rules, SocketAddressUse, allow_all
from wasihost._network.base import Address

pytestmark = pytest.mark.usefixtures("both_networks")


@contextlib.asynccontextmanager
async def serving(
    messages: int, family: FamilyName = "ipv4", policy: Policy = allow_all
) -> AsyncIterator[tuple[Guest, int]]:
    """The guest answers that many datagrams, and has ended well at the end; its port."""
    guest = Guest("rust-udp-echo", policy=policy, env={"ADDRESS": text(LOOPBACK[family], 0), "MESSAGES": messages})
    async with guest.running():
        yield guest, int((await guest.stdout.first_line()).rpartition(":")[2])


@contextlib.contextmanager
def client(port: int, family: FamilyName = "ipv4") -> Iterator[Client]:
    with contextlib.closing(world.current.udp_client(LOOPBACK[family], port)) as made:
        yield made


@families
async def test_datagrams_of_every_size_come_back(family: FamilyName) -> None:
    sizes = [0, 1, 100, 1472, 1473, 65_000]
    async with serving(len(sizes), family) as (_, port):
        with client(port, family) as peer:
            for size in sizes:
                data = bytes(range(250)) * (size // 250 + 1)
                peer.send(data[:size])
                assert await peer.receive() == data[:size]


async def test_each_of_many_clients_gets_its_own_back() -> None:
    async with serving(300) as (_, port):
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(client(port)) for _ in range(100)]
            for _ in range(3):
                for number, peer in enumerate(peers):
                    peer.send(b"client %d" % number)
                assert await asyncio.gather(*(peer.receive() for peer in peers)) == [
                    b"client %d" % i for i in range(100)
                ]


async def test_an_answer_that_is_refused_is_told_and_the_next_goes_out() -> None:
    class Fussy:
        refused = 0

        def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
            return not (use is SocketAddressUse.UDP_SEND and address.port == self.refused)

    policy = Fussy()
    async with serving(2, policy=policy) as (guest, port):
        with client(port) as refused, client(port) as peer:
            policy.refused = refused.port
            refused.send(b"1")
            await until(lambda: "access-denied" in str(guest.stderr))
            peer.send(b"2")
            assert await peer.receive() == b"2"


@pytest.mark.parametrize("slow", [False, True])
async def test_a_refused_sender_is_never_seen_and_the_guest_waits_on(slow: bool) -> None:
    asked: list[Address] = []
    friends: set[int] = set()

    def answer(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        if use is SocketAddressUse.UDP_RECEIVE:
            asked.append(address)
        return use is not SocketAddressUse.UDP_RECEIVE or address.port in friends

    async def slowly(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        await passes(3)
        return answer(address, use, context)

    async with serving(1, policy=slowly if slow else answer) as (_, port):
        with client(port) as stranger, client(port) as friend:
            friends.add(friend.port)
            for _ in range(40):
                stranger.send(b"evil")
            await until(lambda: len(asked) == 40)
            friend.send(b"good")
            assert await friend.receive() == b"good"


# ---- rules


async def test_an_inbound_rule_lets_a_guest_receive_and_an_outbound_rule_lets_it_answer() -> None:
    rules = Rules(inbound=["udp://127.0.0.1:*"], outbound=["udp://127.0.0.1:*"])
    async with serving(1, policy=rules) as (_, port):
        with client(port) as peer:
            peer.send(b"hello")
            assert await peer.receive() == b"hello"


async def test_with_an_inbound_rule_alone_a_guest_cannot_answer() -> None:
    async with serving(1, policy=Rules(inbound=["udp://127.0.0.1:*"])) as (guest, port):
        with client(port) as peer:
            peer.send(b"hello")
            await until(lambda: "access-denied" in str(guest.stderr))
