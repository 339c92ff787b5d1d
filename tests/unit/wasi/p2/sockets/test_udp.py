"""`udp-socket` and its datagram streams: permits, filters, what is received ahead, and what takes time."""

from __future__ import annotations

import asyncio
import errno

import pytest

from tests.unit.wasi.p2.io.fakes import settled
from tests.unit.wasi.p2.sockets.setup import NETWORK, PEER, Guest, Undecided, code_of, passes, refusing, streams, v4
from tests.unit.wasi.sockets.setup import REFUSED
from wasihost._base.errors import GuestTrap
from wasihost._component.resources import ResourceError
from wasihost._policy import SocketAddressUse
from wasihost._wasi.common.addresses import IpSocketAddress, to_network
from wasihost._wasi.p2.sockets.errors import ErrorCode
from wasihost._wasi.p2.sockets.udp import MOST, OutgoingDatagram

USE = SocketAddressUse
OTHER = v4(4001)


def _datagram(data: bytes = b"x", to: IpSocketAddress.Ipv4 | None = PEER) -> OutgoingDatagram:
    return OutgoingDatagram(data, to)


# ---- streams


def test_streams_that_live_are_a_trap_before_the_state_counts() -> None:
    udp, _ = Guest().bound_udp()
    incoming, outgoing = streams(udp)
    incoming.drop()
    with pytest.raises(GuestTrap, match="streams that it gave before"):
        udp.stream(None)
    outgoing.drop()
    streams(udp)


def test_pollables_of_the_socket_are_no_streams() -> None:
    udp, _ = Guest().bound_udp()
    udp.subscribe()
    streams(udp)


def test_a_socket_outlives_its_streams_and_these_their_pollables() -> None:
    udp, socket = Guest().bound_udp()
    incoming, outgoing = streams(udp)
    pollable = incoming.subscribe()
    with pytest.raises(ResourceError, match="IncomingDatagramStream resource still has 1 children"):
        incoming.drop()
    pollable.drop()
    incoming.drop()
    with pytest.raises(ResourceError, match="UdpSocket resource still has 1 children"):
        udp.drop()
    outgoing.drop()
    udp.drop()
    assert socket.closed == 1


def test_streams_connect_reconnect_and_disconnect_the_socket() -> None:
    udp, socket = Guest().bound_udp()
    for peer in (PEER, OTHER, None, PEER):
        for stream in streams(udp, peer):
            stream.drop()
    assert socket.peers == [to_network(PEER), to_network(OTHER), to_network(PEER)]
    assert socket.calls.count("disconnect") == 1


@pytest.mark.parametrize("address", [v4(0), v4(80, (0, 0, 0, 0))])
def test_a_peer_has_an_address_and_a_port(address: IpSocketAddress.Ipv4) -> None:
    udp, _ = Guest().bound_udp()
    assert code_of(lambda: udp.stream(address)) is ErrorCode.INVALID_ARGUMENT
    streams(udp)


def test_a_peer_with_whom_the_policy_allows_one_direction_is_allowed() -> None:
    udp, _ = Guest(refusing(USE.UDP_SEND, USE.UDP_RECEIVE)).bound_udp()
    assert code_of(lambda: udp.stream(PEER)) is ErrorCode.ACCESS_DENIED
    for refused in (USE.UDP_SEND, USE.UDP_RECEIVE):
        udp, _ = Guest(refusing(refused)).bound_udp()
        streams(udp, PEER)


async def test_stream_waits_for_a_policy_that_takes_time() -> None:
    policy = Undecided(USE.UDP_SEND)
    udp, socket = Guest(policy).bound_udp()
    opening = asyncio.ensure_future(settled(udp.stream(PEER)))
    await passes()
    assert (opening.done(), socket.peers) == (False, [])
    policy.answers[0].set_result(True)
    incoming, outgoing = await opening
    assert socket.peers == [to_network(PEER)]
    for stream in (incoming, outgoing):
        stream.drop()
    udp.drop()


async def test_a_bind_is_finished_when_the_policy_has_answered() -> None:
    policy = Undecided(USE.UDP_BIND)
    udp, _ = Guest(policy).udp_bind_in_progress()
    assert (code_of(udp.finish_bind), udp.subscribe().ready()) == (ErrorCode.WOULD_BLOCK, False)
    assert code_of(lambda: udp.start_bind(NETWORK, v4(0))) is ErrorCode.CONCURRENCY_CONFLICT
    policy.answers[0].set_result(True)
    await settled(udp.subscribe().block())
    udp.finish_bind()


# ---- receiving


def test_receive_gives_what_is_there_up_to_16_datagrams_or_64_kib() -> None:
    udp, socket = Guest().bound_udp()
    incoming, _ = streams(udp)
    assert incoming.receive(5) == []
    socket.incoming += [(bytes([n]), to_network(PEER)) for n in range(20)]
    assert [d.data for d in incoming.receive(2)] == [b"\x00", b"\x01"]
    assert (incoming.receive(0), len(incoming.receive(2**64 - 1)), len(incoming.receive(100))) == ([], MOST, 2)
    socket.incoming += [(bytes(40_000), to_network(PEER))] * 3
    assert [len(incoming.receive(100)), len(incoming.receive(100))] == [2, 1]


def test_an_error_comes_after_what_was_received_before_it() -> None:
    udp, socket = Guest().bound_udp()
    incoming, _ = streams(udp, PEER)
    socket.incoming += [(b"1", to_network(PEER)), REFUSED, (b"2", to_network(PEER))]
    assert [d.data for d in incoming.receive(10)] == [b"1"]
    assert code_of(lambda: incoming.receive(10)) is ErrorCode.CONNECTION_REFUSED
    assert [d.data for d in incoming.receive(10)] == [b"2"]


def test_a_datagram_received_ahead_is_there_for_the_next_stream() -> None:
    udp, socket = Guest().bound_udp()
    incoming, outgoing = streams(udp)
    socket.incoming.append((b"ahead", to_network(PEER)))
    pollable = incoming.subscribe()
    assert pollable.ready()
    for each in (pollable, incoming, outgoing):
        each.drop()
    incoming, _ = streams(udp)
    (received,) = incoming.receive(1)
    assert (received.data, received.remote_address) == (b"ahead", PEER)


def test_a_stream_to_one_peer_gives_no_datagrams_of_others_however_early_they_came() -> None:
    udp, socket = Guest().bound_udp()
    incoming, outgoing = streams(udp)
    socket.incoming.append((b"ahead", to_network(OTHER)))
    pollable = incoming.subscribe()
    assert pollable.ready()
    for each in (pollable, incoming, outgoing):
        each.drop()
    socket.incoming += [(b"queued", to_network(OTHER)), (b"right", to_network(PEER))]
    incoming, _ = streams(udp, PEER)
    assert [d.data for d in incoming.receive(10)] == [b"right"]


def test_datagrams_of_refused_senders_are_dropped() -> None:
    udp, socket = Guest(lambda address, use, _: use is not USE.UDP_RECEIVE or address.port == 4000).bound_udp()
    incoming, _ = streams(udp)
    socket.incoming += [(b"refused", to_network(OTHER)), (b"allowed", to_network(PEER))]
    assert [d.data for d in incoming.receive(10)] == [b"allowed"]


async def test_a_poll_waits_for_a_datagram() -> None:
    udp, socket = Guest().bound_udp()
    incoming, _ = streams(udp)
    blocking = asyncio.create_task(settled(incoming.subscribe().block()))
    await passes()
    assert not blocking.done()
    socket.arrive((b"1", to_network(PEER)))
    await blocking
    assert len(incoming.receive(1)) == 1


async def test_a_poll_waits_for_the_policy_about_a_datagram_that_came_after_it_began() -> None:
    policy = Undecided(USE.UDP_RECEIVE)
    udp, socket = Guest(policy).bound_udp()
    incoming, _ = streams(udp)
    pollable = incoming.subscribe()
    first = asyncio.create_task(settled(pollable.block()))
    await passes()
    first.cancel()
    socket.incoming.append((b"1", to_network(PEER)))
    assert incoming.receive(1) == []
    second = asyncio.create_task(settled(pollable.block()))
    await passes()
    policy.answers[0].set_result(True)
    await asyncio.wait_for(second, 60)
    assert len(incoming.receive(1)) == 1


# ---- sending


def test_send_takes_what_check_send_permits_once() -> None:
    udp, socket = Guest().bound_udp()
    _, outgoing = streams(udp)
    with pytest.raises(GuestTrap, match="send: 1 datagrams, but check-send permitted 0"):
        outgoing.send([_datagram()])
    assert outgoing.send([]) == 0
    assert outgoing.check_send() == MOST
    assert outgoing.send([]) == 0
    assert outgoing.send([_datagram(), _datagram(b"")]) == 2
    with pytest.raises(GuestTrap):
        outgoing.send([_datagram()])
    outgoing.check_send()
    with pytest.raises(GuestTrap, match="send: 17 datagrams"):
        outgoing.send([_datagram()] * (MOST + 1))
    assert socket.sent == [(b"x", to_network(PEER)), (b"", to_network(PEER))]


@pytest.mark.parametrize(
    ("peer", "to"), [(None, None), (PEER, OTHER), (None, v4(0)), (None, v4(80, (0, 0, 0, 0)))], ids=str
)
def test_an_address_is_needed_and_must_be_that_of_the_peer(
    peer: IpSocketAddress.Ipv4 | None, to: IpSocketAddress.Ipv4 | None
) -> None:
    udp, _ = Guest().bound_udp()
    _, outgoing = streams(udp, peer)
    outgoing.check_send()
    assert code_of(lambda: outgoing.send([_datagram(to=to)])) is ErrorCode.INVALID_ARGUMENT


def test_a_connected_socket_needs_no_address() -> None:
    udp, socket = Guest().bound_udp()
    _, outgoing = streams(udp, PEER)
    outgoing.check_send()
    assert outgoing.send([_datagram(to=None), _datagram(to=PEER)]) == 2
    assert len(socket.sent) == 2


def test_an_error_is_that_of_the_first_datagram_else_the_number_that_was_sent() -> None:
    udp, socket = Guest().bound_udp()
    _, outgoing = streams(udp)
    too_large = OSError(errno.EMSGSIZE, "too large")
    socket.fails["send_to"] = [too_large]
    outgoing.check_send()
    assert code_of(lambda: outgoing.send([_datagram(), _datagram()])) is ErrorCode.DATAGRAM_TOO_LARGE
    outgoing.check_send()
    assert outgoing.send([_datagram(), _datagram(to=None), _datagram()]) == 1


def test_a_refused_datagram_is_access_denied() -> None:
    udp, socket = Guest(refusing(USE.UDP_SEND)).bound_udp()
    _, outgoing = streams(udp)
    outgoing.check_send()
    assert code_of(lambda: outgoing.send([_datagram()])) is ErrorCode.ACCESS_DENIED
    assert (socket.sent, outgoing.check_send()) == ([], MOST)


async def test_a_datagram_without_room_counts_as_sent_and_nothing_is_permitted_until_it_is() -> None:
    udp, socket = Guest().bound_udp()
    _, outgoing = streams(udp)
    socket.room = 1
    outgoing.check_send()
    assert outgoing.send([_datagram(b"1"), _datagram(b"2"), _datagram(b"3")]) == 2
    pollable = outgoing.subscribe()
    assert (outgoing.check_send(), pollable.ready()) == (0, False)
    socket.make_room()
    await settled(pollable.block())
    assert outgoing.check_send() == MOST
    assert [data for data, _ in socket.sent] == [b"1", b"2"]


async def test_a_late_refusal_is_told_by_check_send() -> None:
    policy = Undecided(USE.UDP_SEND)
    udp, _ = Guest(policy).bound_udp()
    _, outgoing = streams(udp)
    outgoing.check_send()
    assert outgoing.send([_datagram()]) == 1
    policy.answers[0].set_result(False)
    await settled(outgoing.subscribe().block())
    assert code_of(outgoing.check_send) is ErrorCode.ACCESS_DENIED
    assert outgoing.check_send() == MOST


async def test_a_datagram_on_its_way_outlives_its_stream_but_not_the_socket() -> None:
    udp, socket = Guest().bound_udp()
    incoming, outgoing = streams(udp)
    socket.room = 0
    outgoing.check_send()
    outgoing.send([_datagram(b"1")])
    outgoing.drop()
    socket.make_room()
    await passes()
    assert [data for data, _ in socket.sent] == [b"1"]
    incoming.drop()
    udp.drop()
    assert socket.closed == 1
