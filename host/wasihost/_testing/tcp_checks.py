"""The rules of TCP for every network; each function is a check, its docstring the rule."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from wasihost._network.base import WILDCARD, Address, Family, IpAddress, Option, Socket
from wasihost._testing.ends import (
    PATIENCE_S,
    Ends,
    expect,
    expect_equal,
    expect_error,
    received,
    send_all,
    settle,
    until,
    until_called,
)

OPTIONS = {
    Option.KEEP_ALIVE: 1,
    Option.KEEP_ALIVE_IDLE_S: 42,
    Option.KEEP_ALIVE_INTERVAL_S: 43,
    Option.KEEP_ALIVE_COUNT: 44,
    Option.HOP_LIMIT: 45,
    Option.RECEIVE_BUFFER_BYTES: 0x10000,
    Option.SEND_BUFFER_BYTES: 0x10000,
}
LARGEST = {
    Option.KEEP_ALIVE_IDLE_S: 32767,
    Option.KEEP_ALIVE_INTERVAL_S: 32767,
    Option.KEEP_ALIVE_COUNT: 127,
    Option.HOP_LIMIT: 255,
    Option.RECEIVE_BUFFER_BYTES: 0x7FFFFFFF,
    Option.SEND_BUFFER_BYTES: 0x7FFFFFFF,
}
NOBODYS: dict[Family, IpAddress] = {4: IPv4Address("192.0.2.1"), 6: IPv6Address("2001:db8::1")}  # RFC 5737, RFC 3849

# ---- addresses and ports


async def a_new_socket_is_at_the_wildcard_address(ends: Ends, family: Family) -> None:
    """`local_address` of a socket that is not bound is the wildcard address with port 0, `remote_address` ENOTCONN."""
    made = ends.tcp(family)
    expect_equal(made.local_address(), WILDCARD[family], "local_address")
    with expect_error("remote_address", errno.ENOTCONN):
        made.remote_address()


async def port_0_is_a_free_port(ends: Ends, family: Family) -> None:
    """`bind` with port 0 takes a free port, another one each time."""
    first = ends.bound(family).local_address()
    second = ends.bound(family).local_address()
    expect_equal(first.ip, ends.ips[family], "the address is the one that was asked for")
    expect(first.port > 0 and first.port != second.port, "two ports differ", (first, second))


async def a_port_that_somebody_bound_is_in_use(ends: Ends, family: Family) -> None:
    """`bind` to the address of another listener is EADDRINUSE, and the socket can still be bound elsewhere."""
    first = ends.listener(family)
    second = ends.tcp(family)
    with expect_error("bind to the address of a listener", errno.EADDRINUSE):
        second.bind(first.local_address())
    second.bind(Address(ends.ips[family], 0))


async def only_own_addresses_can_be_bound(ends: Ends, family: Family) -> None:
    """`bind` to an address that is not this host's is EADDRNOTAVAIL."""
    with expect_error("bind to an address of no interface", errno.EADDRNOTAVAIL):
        ends.tcp(family).bind(Address(NOBODYS[family], 0))


async def a_port_is_free_after_its_connections(ends: Ends, family: Family) -> None:
    """TIME_WAIT of an earlier socket is no obstacle to `bind` and `listen`."""
    listener = ends.listener(family)
    address = listener.local_address()
    client = await ends.connect(listener, family)
    accepted, _ = await ends.accept(listener)
    accepted.close()  # the side that ends first is the one in TIME_WAIT
    expect_equal(await received(client, 1), b"", "the end of a connection is 0")
    client.close()
    listener.close()
    again = ends.tcp(family)
    again.bind(address)
    again.listen(1)


async def a_bound_client_keeps_its_port(ends: Ends, family: Family) -> None:
    """`connect` of a bound socket comes from the address that it is bound to."""
    listener = ends.listener(family)
    client = ends.tcp_client(family)
    client.bind(Address(ends.client_ips[family], 0))
    local = client.local_address()
    client.connect(listener.local_address())
    _, peer = await ends.accept(listener)
    expect_equal((client.local_address(), peer), (local, local), "the client's address")


async def a_listener_at_the_wildcard_address_hears_all(ends: Ends, family: Family) -> None:
    """A listener bound to the wildcard address takes connections to each address of the host."""
    listener = ends.tcp(family)
    listener.bind(WILDCARD[family])
    listener.listen(16)
    address = Address(ends.ips[family], listener.local_address().port)
    client = ends.tcp_client(family)
    client.connect(address)
    accepted, _ = await ends.accept(listener)
    expect_equal(accepted.local_address(), address, "an accepted socket's local_address")


async def the_other_family_has_ports_of_its_own(ends: Ends, family: Family) -> None:
    """A socket for IPv6 carries IPv6 only: IPv4 can be bound to the same port."""
    other: Family = 4 if family == 6 else 6
    if other not in ends.ips:
        return
    for _ in range(10):
        first = ends.tcp(family)
        second = ends.tcp(other)
        first.bind(WILDCARD[family])
        try:
            second.bind(Address(WILDCARD[other].ip, first.local_address().port))
            return
        except OSError as error:  # another process may have just that port
            found = error
    expect(False, "the same port of the other family can be bound", found)


# ---- connecting


async def both_ends_know_each_other(ends: Ends, family: Family) -> None:
    """`local_address` of one end is `remote_address` of the other, and `accept` gives the client's."""
    listener = ends.listener(family)
    client = await ends.connect(listener, family)
    server, peer = await ends.accept(listener)
    expect_equal(peer, client.local_address(), "the address that accept gives")
    expect_equal(server.remote_address(), client.local_address(), "the server's remote_address")
    expect_equal(client.remote_address(), server.local_address(), "the client's remote_address")


async def nobody_listening_is_connection_refused(ends: Ends, family: Family) -> None:
    """`connect` to a port without a listener is ECONNREFUSED."""
    deaf = ends.bound(family)
    client = ends.tcp_client(family)
    with expect_error("connect to a bound port that does not listen", errno.ECONNREFUSED):
        client.connect(deaf.local_address())
        await until(client.finish_connect, client.wait_writable)


async def nothing_to_accept_blocks(ends: Ends, family: Family) -> None:
    """`accept` without a connection is BlockingIOError."""
    with expect_error("accept", errno.EAGAIN):
        ends.listener(family).accept()


async def every_connection_is_accepted_once(ends: Ends, family: Family) -> None:
    """Clients that connect before the first `accept` are all accepted, also when the backlog makes some wait."""
    listener = ends.listener(family, backlog=4)
    clients = [ends.tcp_client(family) for _ in range(5)]
    for client in clients:
        client.connect(listener.local_address())
    peers = [(await ends.accept(listener))[1] for _ in clients]
    expect_equal(len(set(peers)), len(clients), "each client is accepted once")
    for client in clients:
        await until(client.finish_connect, client.wait_writable)
        expect(client.local_address() in peers, "each client is accepted", peers)


async def the_backlog_can_change(ends: Ends, family: Family) -> None:
    """`listen` of a socket that listens changes how many may wait, and nothing else."""
    listener = ends.listener(family, backlog=1)
    listener.listen(32)
    await ends.connect(listener, family)
    await ends.accept(listener)


async def a_listener_that_closes_hears_nobody(ends: Ends, family: Family) -> None:
    """After `close` of a listener a connection that it had not accepted is reset or ended, and the next is refused."""
    listener = ends.listener(family)
    address = listener.local_address()
    waiting = await ends.connect(listener, family)
    listener.close()
    with contextlib.suppress(ConnectionResetError):
        expect_equal(await received(waiting, 1), b"", "a connection that was never accepted")
    client = ends.tcp_client(family)
    with expect_error("connect to a closed listener", errno.ECONNREFUSED):
        client.connect(address)
        await until(client.finish_connect, client.wait_writable)


async def a_connection_lives_without_its_listener(ends: Ends, family: Family) -> None:
    """An accepted socket does not need the listener."""
    listener = ends.listener(family)
    client = await ends.connect(listener, family)
    server, _ = await ends.accept(listener)
    listener.close()
    await send_all(client, b"still there")
    expect_equal(await received(server, 11), b"still there", "bytes after the listener was closed")


# ---- bytes


async def bytes_arrive_and_then_the_end(ends: Ends, family: Family) -> None:
    """Sent bytes arrive in their order, and after `shutdown_write` `recv_into` returns 0, each time."""
    client, server = await ends.pair(family)
    await send_all(client, b"hello, ")
    await send_all(client, b"world")
    client.shutdown_write()
    expect_equal(await received(server, 64), b"hello, world", "the bytes")
    expect_equal(await received(server, 64), b"", "the end, once more")


async def recv_gives_bytes(ends: Ends, family: Family) -> None:
    """`recv` gives at most as many bytes as it was asked for, and b"" at the end."""
    client, server = await ends.pair(family)
    await send_all(client, b"12345")
    client.shutdown_write()
    found = b""
    while piece := await until(lambda: server.recv(2), server.wait_readable):
        expect(len(piece) <= 2, "not more than was asked for", piece)
        found += piece
    expect_equal(found, b"12345", "the bytes")


async def nothing_to_receive_blocks(ends: Ends, family: Family) -> None:
    """`recv_into` without bytes is BlockingIOError."""
    client, _ = await ends.pair(family)
    with expect_error("recv_into", errno.EAGAIN):
        client.recv_into(memoryview(bytearray(1)))


async def the_other_direction_lives_on(ends: Ends, family: Family) -> None:
    """`shutdown_write` ends one direction only."""
    client, server = await ends.pair(family)
    client.shutdown_write()
    expect_equal(await received(server, 1), b"", "the end")
    await send_all(server, b"answer")
    expect_equal(await received(client, 6), b"answer", "bytes in the other direction")


async def what_was_sent_before_close_arrives(ends: Ends, family: Family) -> None:
    """`close` lets bytes that were sent arrive, and then the end."""
    client, server = await ends.pair(family)
    await send_all(client, bytes(50_000))
    client.close()
    expect_equal(len(await received(server, 60_000)), 50_000, "bytes that were sent before close")


async def full_buffers_block_and_lose_nothing(ends: Ends, family: Family) -> None:
    """`send` to a peer that does not read is BlockingIOError in the end; reading makes room, and every byte arrives."""
    client, server = await ends.pair(family)
    chunk = bytes(range(256)) * 256
    sent = 0
    for _ in range(10_000):
        try:
            sent += client.send(memoryview(chunk)[sent % 256 :])
        except BlockingIOError:
            break
        await asyncio.sleep(0)
    else:
        expect(False, "send never blocks", sent)
    writable = asyncio.Event()
    client.wait_writable(writable.set)
    found = bytearray()
    while len(found) < sent:
        found += await received(server, min(sent - len(found), 65536))
    async with asyncio.timeout(PATIENCE_S):
        await writable.wait()
    expect(bytes(found) == (chunk * (sent // 65536 + 2))[:sent], "the bytes are those that were sent")


async def much_goes_both_ways_at_once(ends: Ends, family: Family) -> None:
    """Both ends send and receive at the same time, each waiting for its own."""
    client, server = await ends.pair(family)
    data = bytes(range(251)) * 16_000  # 4 MB
    _, _, there, back = await asyncio.gather(
        send_all(client, data), send_all(server, data), received(server, len(data)), received(client, len(data))
    )
    expect(there == data and back == data, "the bytes are those that were sent")


# ---- ends that are not in peace


async def an_aborted_connection_is_reset(ends: Ends, family: Family) -> None:
    """`abort`: the peer sees ECONNRESET, and after that the end."""
    client, server = await ends.pair(family)
    server.abort()
    with expect_error("recv_into after the peer's abort", errno.ECONNRESET):
        await received(client, 1)
    expect_equal(await received(client, 1), b"", "recv_into after the error was reported")


async def closing_with_unread_bytes_is_a_reset(ends: Ends, family: Family) -> None:
    """`close` of a socket with bytes that were not received is a reset (RFC 1122, section 4.2.2.13)."""
    client, server = await ends.pair(family)
    await send_all(client, b"unread")
    ready = asyncio.Event()
    server.wait_readable(ready.set)
    async with asyncio.timeout(PATIENCE_S):
        await ready.wait()
    server.close()
    with expect_error("recv_into after that", errno.ECONNRESET):
        await received(client, 1)


async def sending_after_the_own_end_is_a_broken_pipe(ends: Ends, family: Family) -> None:
    """`send` after `shutdown_write` is EPIPE, and no signal."""
    client, _ = await ends.pair(family)
    client.shutdown_write()
    with expect_error("send", errno.EPIPE):
        client.send(memoryview(b"late"))


async def sending_to_a_peer_that_closed_fails_in_the_end(ends: Ends, family: Family) -> None:
    """Bytes for a socket that is closed are answered by a reset: `send` is EPIPE or ECONNRESET soon."""
    client, server = await ends.pair(family)
    server.close()
    with expect_error("send to a closed socket, many times", errno.EPIPE, errno.ECONNRESET):
        for _ in range(1000):
            await send_all(client, b"undeliverable")
            await asyncio.sleep(0.001)


async def closing_again_does_nothing(ends: Ends, family: Family) -> None:
    """`close` and `abort` of a closed socket do nothing."""
    client, server = await ends.pair(family)
    for made in (client, server, ends.tcp(family), ends.listener(family)):
        made.close()
        made.close()
        made.abort()


# ---- options


async def an_option_reads_as_it_was_set(ends: Ends, family: Family) -> None:
    """`get_option` returns the value that `set_option` set."""
    made = ends.tcp(family)
    for option, value in OPTIONS.items():
        made.set_option(option, value)
        found = made.get_option(option)
        expect(found == value or (option is Option.KEEP_ALIVE and found > 0), f"{option!r}: expected {value}", found)


async def the_largest_values_are_taken(ends: Ends, family: Family) -> None:
    """`set_option` takes the largest values that a provider gives; those in effect may be smaller."""
    made = ends.tcp(family)
    for option, value in LARGEST.items():
        made.set_option(option, value)
        expect(0 < made.get_option(option) <= value, f"{option!r} in effect", made.get_option(option))


async def an_accepted_socket_inherits_options(ends: Ends, family: Family) -> None:
    """An accepted socket has the options that its listener had when it came."""
    listener = ends.listener(family)
    buffers = (Option.RECEIVE_BUFFER_BYTES, Option.SEND_BUFFER_BYTES)  # these a system tunes as it likes
    for option, value in OPTIONS.items():
        listener.set_option(option, value)
    await ends.connect(listener, family)
    accepted, _ = await ends.accept(listener)
    for option in [option for option in OPTIONS if option not in buffers]:
        expect_equal(accepted.get_option(option), listener.get_option(option), f"{option!r} of an accepted socket")


# ---- waiting


async def a_waiter_is_called_once_and_from_the_loop(ends: Ends, family: Family) -> None:
    """`wait_readable` calls back once, for all that came, and never within the peer's `send`."""
    client, server = await ends.pair(family)
    calls: list[str] = []
    server.wait_readable(lambda: calls.append("called"))
    client.send(memoryview(b"x"))
    expect_equal(calls, [], "nothing is called within send")
    client.send(memoryview(b"y"))
    await until_called(calls)
    client.send(memoryview(b"z"))
    await settle()
    expect_equal(calls, ["called"], "the calls")


async def _waiting_for_what_is_there(ends: Ends, family: Family) -> tuple[Socket, list[str]]:
    """A socket with a waiter each way, and the names of those that were called back."""
    client, server = await ends.pair(family)
    calls: list[str] = []
    client.send(memoryview(b"x"))
    await settle()
    server.wait_readable(lambda: calls.append("readable"))
    server.wait_writable(lambda: calls.append("writable"))
    return server, calls


async def waiting_for_what_is_there_calls_back(ends: Ends, family: Family) -> None:
    """`wait_readable` and `wait_writable` call back soon, not within the call, where nothing has to be waited for."""
    _, calls = await _waiting_for_what_is_there(ends, family)
    expect_equal(calls, [], "nothing is called within the call")
    await settle()
    expect_equal(sorted(calls), ["readable", "writable"], "the calls")


async def a_cancelled_waiter_is_not_called(ends: Ends, family: Family) -> None:
    """`cancel_readable` and `cancel_writable` forget the waiter, also if there are bytes or room."""
    server, calls = await _waiting_for_what_is_there(ends, family)
    server.cancel_readable()
    server.cancel_writable()
    await settle()
    expect_equal(calls, [], "the calls")


async def closing_ends_the_waits(ends: Ends, family: Family) -> None:
    """`close` forgets the waiters, also if there are bytes or room."""
    server, calls = await _waiting_for_what_is_there(ends, family)
    server.close()
    await settle()
    expect_equal(calls, [], "the calls")


async def the_peers_end_and_a_reset_can_be_waited_for(ends: Ends, family: Family) -> None:
    """`wait_readable` calls back for the end, and for a reset."""
    ends_of_it: tuple[Callable[[Socket], None], ...] = (lambda socket: socket.close(), lambda socket: socket.abort())
    for end in ends_of_it:
        client, server = await ends.pair(family)
        calls: list[str] = []
        client.wait_readable(functools.partial(calls.append, "readable"))
        end(server)
        await until_called(calls)


async def a_connection_can_be_waited_for(ends: Ends, family: Family) -> None:
    """`wait_readable` of a listener calls back when a connection is there."""
    listener = ends.listener(family)
    calls: list[str] = []
    listener.wait_readable(lambda: calls.append("readable"))
    await ends.connect(listener, family)
    await until_called(calls)
    listener.accept()[0].close()
