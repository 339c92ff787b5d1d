"""What waits in `receive`: order, strangers, cancellation, and a policy that takes time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar
from ipaddress import IPv4Address
from typing import Any

import pytest

from tests.unit.wasi.p3.sockets.setup import Guest
from tests.unit.wasi.sockets.fake_network import PEER
from wasihost._base.streams import PromptFuture
from wasihost._network.base import Address
from wasihost._policy import PolicyContext, SocketAddressUse
from wasihost._wasi.common.addresses import from_network

AT_PEER = from_network(PEER)
STRANGER = Address(IPv4Address("192.0.2.99"), 9)


class _Box:
    """A bound socket, and a policy that refuses the stranger or answers later."""

    def __init__(self) -> None:
        self.answers: list[bool | Awaitable[bool]] = []
        self.asked: list[tuple[Address, SocketAddressUse]] = []
        guest = Guest(self._policy)
        self.udp, self.socket = guest.bound_udp()
        self.asked.clear()

    def _policy(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool | Awaitable[bool]:
        self.asked.append((address, use))
        return self.answers.pop(0) if self.answers else address != STRANGER

    def later(self) -> asyncio.Future[bool]:
        """The policy's next answer, which takes time."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        return answer

    def receive(self) -> asyncio.Future[Any]:
        received = self.udp.receive()
        if isinstance(received, asyncio.Future):
            return received
        future = asyncio.get_running_loop().create_future()
        future.set_result(received)
        return future


async def _passes() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_policy_is_asked_about_every_sender() -> None:
    box = _Box()
    box.socket.arrive((b"1", PEER), (b"2", PEER))
    assert [await box.receive(), await box.receive()] == [(b"1", AT_PEER), (b"2", AT_PEER)]
    assert box.asked == [(PEER, SocketAddressUse.UDP_RECEIVE)] * 2


async def test_a_datagram_of_a_stranger_is_dropped_and_never_seen() -> None:
    box = _Box()
    box.socket.arrive((b"evil", STRANGER), (b"good", PEER))
    assert await box.receive() == (b"good", AT_PEER)


async def test_after_a_stranger_the_wait_goes_on() -> None:
    box = _Box()
    receiving = box.receive()
    await _passes()
    box.socket.arrive((b"evil", STRANGER))
    await _passes()
    assert not receiving.done()
    box.socket.arrive((b"good", PEER))
    assert await receiving == (b"good", AT_PEER)


async def test_who_is_given_a_datagram_may_receive_the_next_within_that() -> None:
    box, found = _Box(), list[bytes]()

    def receive() -> None:
        received = box.udp.receive()
        assert isinstance(received, PromptFuture)

        def go_on() -> None:
            if not received.cancelled():
                found.append(received.result()[0])
                receive()

        received.when_done(go_on)

    receive()
    await _passes()
    for data in (b"1", b"2"):
        box.socket.arrive((data, PEER))
        await _passes()
    assert found == [b"1", b"2"]
    box.udp.drop()


async def test_a_flood_of_strangers_leaves_the_event_loop_its_turn() -> None:
    box = _Box()
    box.socket.arrive(*[(b"evil", STRANGER)] * 100)
    assert not box.receive().done()
    assert 0 < len(box.socket.incoming) < 100


async def test_who_waits_first_is_served_first() -> None:
    box = _Box()
    receiving = [box.receive() for _ in range(3)]
    await _passes()
    box.socket.arrive((b"1", PEER))
    await _passes()
    assert [each.done() for each in receiving] == [True, False, False]
    box.socket.arrive((b"2", PEER), (b"3", PEER))
    assert [data for data, _ in await asyncio.gather(*receiving)] == [b"1", b"2", b"3"]


async def test_nobody_overtakes_who_waits() -> None:
    box = _Box()
    receiving = box.receive()
    await _passes()
    box.socket.incoming.append((b"1", PEER))
    late = box.receive()
    box.socket.arrive((b"2", PEER))
    assert await receiving == (b"1", AT_PEER)
    assert await late == (b"2", AT_PEER)


async def test_a_cancelled_wait_leaves_the_datagram_to_the_next() -> None:
    box = _Box()
    first, second = box.receive(), box.receive()
    await _passes()
    first.cancel()
    await _passes()
    box.socket.arrive((b"1", PEER))
    assert await second == (b"1", AT_PEER)


async def test_a_policy_is_asked_about_a_datagram_in_the_context_of_the_receive_that_gets_it() -> None:
    request: ContextVar[int] = ContextVar("request")
    seen: list[int] = []

    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        if use is SocketAddressUse.UDP_RECEIVE:
            seen.append(request.get())
        return True

    async def receive(number: int) -> Any:
        request.set(number)
        received = udp.receive()
        assert isinstance(received, Awaitable)
        return await received

    udp, socket = Guest(policy).bound_udp()
    receiving = [asyncio.create_task(receive(number)) for number in range(3)]
    await _passes()
    for _ in receiving:
        socket.arrive((b"data", PEER))
    await asyncio.gather(*receiving)
    assert seen == [0, 1, 2]


# ---- a policy that takes time


async def test_a_datagram_waits_for_the_answer_of_the_policy() -> None:
    box = _Box()
    answer = box.later()
    box.socket.arrive((b"1", PEER))
    receiving = box.receive()
    await _passes()
    assert not receiving.done()
    answer.set_result(True)
    assert await receiving == (b"1", AT_PEER)


async def test_a_datagram_that_the_policy_refuses_later_is_dropped() -> None:
    box = _Box()
    answer = box.later()
    box.socket.arrive((b"1", PEER), (b"2", PEER))
    receiving = box.receive()
    await _passes()
    answer.set_result(False)
    assert await receiving == (b"2", AT_PEER)


async def test_a_receive_that_is_cancelled_while_the_policy_thinks_loses_nothing() -> None:
    box = _Box()
    answer = box.later()
    box.socket.arrive((b"1", PEER))
    given_up = box.receive()
    await _passes()
    given_up.cancel()
    await _passes()
    assert not answer.cancelled()
    answer.set_result(True)
    assert await box.receive() == (b"1", AT_PEER)


async def test_a_dropped_socket_gives_the_question_up() -> None:
    box = _Box()
    answer = box.later()
    box.socket.arrive((b"1", PEER))
    receiving = box.receive()
    box.udp.drop()
    await _passes()
    assert answer.cancelled()
    assert receiving.cancelled()


async def test_what_a_policy_raises_later_reaches_one_receive_and_the_next_goes_on() -> None:
    box = _Box()
    answer = box.later()
    box.socket.arrive((b"1", PEER), (b"2", PEER))
    first, second = box.receive(), box.receive()
    answer.set_exception(LookupError("mine"))
    with pytest.raises(LookupError, match="mine"):
        await first
    assert await second == (b"2", AT_PEER)
