"""The rules of UDP for every network; each function is a check, its docstring the rule."""

from __future__ import annotations

import errno

from wasihost._network.base import WILDCARD, Address, Family, Option
from wasihost._testing.ends import Ends, datagram, expect_equal, expect_error, settle, until, until_called

SIZES = (0, 1, 1472, 9000)


async def a_new_datagram_socket_is_at_the_wildcard_address(ends: Ends, family: Family) -> None:
    """`local_address` of a socket that is not bound is the wildcard address with port 0, `remote_address` ENOTCONN."""
    made = ends.own(ends.server.udp_socket(family))
    expect_equal(made.local_address(), WILDCARD[family], "local_address")
    with expect_error("remote_address", errno.ENOTCONN):
        made.remote_address()


async def a_datagram_arrives_whole_with_its_sender(ends: Ends, family: Family) -> None:
    """A datagram of any size is received as one, also an empty one, with the address that it came from."""
    client = ends.udp_client(family)
    server = ends.udp(family)
    for size in SIZES:
        client.send_to(bytes(size), server.local_address())
        expect_equal(await datagram(server), (bytes(size), client.local_address()), "the datagram and its sender")


async def datagrams_are_not_joined(ends: Ends, family: Family) -> None:
    """Datagrams that wait keep their boundaries and their order."""
    client = ends.udp_client(family)
    server = ends.udp(family)
    for size in range(20):
        client.send_to(bytes(size), server.local_address())
    for size in range(20):
        expect_equal(len((await datagram(server))[0]), size, "the size of the datagram")


async def a_connected_socket_hears_its_peer_only(ends: Ends, family: Family) -> None:
    """After `connect` no address is needed to send, and datagrams from others are not received."""
    peer = ends.udp(family)
    stranger = ends.udp(family)
    client = ends.udp_client(family)
    client.connect(peer.local_address())
    expect_equal(client.remote_address(), peer.local_address(), "remote_address")
    client.send_to(b"ping", None)
    expect_equal(await datagram(peer), (b"ping", client.local_address()), "what the peer receives")
    stranger.send_to(b"evil", client.local_address())
    await settle()
    peer.send_to(b"pong", client.local_address())
    expect_equal(await datagram(client), (b"pong", peer.local_address()), "what is received")


async def nothing_there_blocks(ends: Ends, family: Family) -> None:
    """`recv_from` without a datagram is BlockingIOError."""
    with expect_error("recv_from", errno.EAGAIN):
        ends.udp(family).recv_from()


async def a_datagram_can_be_too_large(ends: Ends, family: Family) -> None:
    """`send_to` of more than fits into a datagram is EMSGSIZE."""
    with expect_error("send_to of 65536 bytes", errno.EMSGSIZE):
        ends.udp_client(family).send_to(bytes(65_536), Address(ends.ips[family], 9))


async def nobody_there_is_told_once(ends: Ends, family: Family) -> None:
    """A connected socket hears once, in its next call, that no socket had the peer's port: ECONNREFUSED."""
    gone = ends.udp(family)
    client = ends.udp_client(family)
    client.connect(gone.local_address())
    gone.close()
    client.send_to(b"hello?", None)
    with expect_error("recv_from", errno.ECONNREFUSED):
        await datagram(client)
    with expect_error("recv_from, once more", errno.EAGAIN):
        client.recv_from()


async def a_datagram_port_that_somebody_bound_is_in_use(ends: Ends, family: Family) -> None:
    """`bind` to the address of another socket is EADDRINUSE; after its `close` it is free."""
    first = ends.udp(family)
    second = ends.own(ends.server.udp_socket(family))
    address = first.local_address()
    with expect_error("bind to a port in use", errno.EADDRINUSE):
        second.bind(address)
    first.close()
    second.bind(address)


async def tcp_and_udp_have_ports_of_their_own(ends: Ends, family: Family) -> None:
    """A UDP socket can have the port of a TCP listener."""
    for _ in range(10):
        port = ends.listener(family).local_address().port
        try:
            ends.udp(family, port)
            return
        except OSError as error:  # another process may have just that port
            found = error
    expect_equal(found, None, "the port of a TCP listener can be bound by UDP")


async def disconnecting_keeps_the_port(ends: Ends, family: Family) -> None:
    """After `disconnect` any address is a peer again, and `local_address` is the same as before `connect`."""
    for wildcard in (False, True):
        peer = ends.udp(family)
        other = ends.udp(family)
        client = ends.own(ends.client.udp_socket(family))
        client.bind(WILDCARD[family] if wildcard else Address(ends.client_ips[family], 0))
        before = client.local_address()
        client.connect(peer.local_address())
        client.disconnect()
        expect_equal(client.local_address(), before, "local_address")
        with expect_error("remote_address", errno.ENOTCONN):
            client.remote_address()
        other.send_to(b"hello", Address(ends.client_ips[family], before.port))
        expect_equal((await datagram(client))[0], b"hello", "a datagram from another peer")


async def the_peer_can_change(ends: Ends, family: Family) -> None:
    """`connect` of a connected socket puts another peer in the place of the first one."""
    first = ends.udp(family)
    second = ends.udp(family)
    client = ends.udp_client(family)
    client.connect(first.local_address())
    client.connect(second.local_address())
    expect_equal(client.remote_address(), second.local_address(), "remote_address")
    client.send_to(b"x", None)
    expect_equal(await datagram(second), (b"x", client.local_address()), "what the second one receives")


async def a_datagram_option_reads_as_it_was_set(ends: Ends, family: Family) -> None:
    """`get_option` returns the value that `set_option` set."""
    made = ends.udp(family)
    values = {Option.HOP_LIMIT: 45, Option.RECEIVE_BUFFER_BYTES: 0x10000, Option.SEND_BUFFER_BYTES: 0x10000}
    for option, value in values.items():
        made.set_option(option, value)
        expect_equal(made.get_option(option), value, repr(option))


async def a_datagram_can_be_waited_for(ends: Ends, family: Family) -> None:
    """`wait_readable` calls back once and not within `send_to`; `wait_writable` where there is room."""
    client = ends.udp_client(family)
    server = ends.udp(family)
    calls: list[str] = []
    server.wait_readable(lambda: calls.append("readable"))
    client.send_to(b"x", server.local_address())
    expect_equal(calls, [], "nothing is called within send_to")
    await until_called(calls)
    client.send_to(b"y", server.local_address())
    await settle()
    expect_equal(calls, ["readable"], "the calls")
    await until(lambda: None, client.wait_writable)
    client.wait_writable(lambda: calls.append("writable"))
    await settle()
    expect_equal(calls, ["readable", "writable"], "the calls")


async def a_datagram_waiter_can_be_cancelled_or_closed(ends: Ends, family: Family) -> None:
    """`cancel_readable` forgets the waiter, and so does `close`; closing again does nothing."""
    client = ends.udp_client(family)
    server = ends.udp(family)
    calls: list[str] = []
    client.send_to(b"x", server.local_address())
    await settle()
    server.wait_readable(lambda: calls.append("readable"))
    server.cancel_readable()
    await settle()
    server.wait_readable(lambda: calls.append("readable"))
    server.close()
    server.close()
    await settle()
    expect_equal(calls, [], "the calls")
