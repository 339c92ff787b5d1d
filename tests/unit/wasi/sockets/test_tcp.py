"""A TCP socket from create to close: order of the checks, outcome of failures, who is asked before what."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from ipaddress import IPv6Address

import pytest

from tests.unit.wasi.sockets.fake_network import BLOCKED, PEER, FakeSocket
from tests.unit.wasi.sockets.setup import FAILURES, Asked, Guest, at_once, cause_of, listen, v4, waited, waiting
from wasihost._network.base import Address, Option
from wasihost._policy import PolicyContext, Rules, SocketAddressUse, deny_all
from wasihost._wasi.failures import Reason
from wasihost._wasi.sockets.access import Access
from wasihost._wasi.sockets.tcp import TcpSocket

BIND, LISTEN, CONNECT = SocketAddressUse.TCP_BIND, SocketAddressUse.TCP_LISTEN, SocketAddressUse.TCP_CONNECT
V6_LOOPBACK = Address(IPv6Address("::1"), 80)
NOT_UNICAST = v4(80, (224, 0, 0, 1))
IN_USE = OSError(errno.EADDRINUSE, "in use")


# ---- create


def test_create_needs_no_event_loop_and_no_policy() -> None:
    tcp, _ = Guest(deny_all).create()
    assert tcp.family == 4


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EAFNOSUPPORT, Reason.NOT_SUPPORTED),
        (errno.EACCES, errno.EACCES),
        (errno.ENOBUFS, errno.ENOBUFS),
    ],
)
def test_create_gives_the_error_of_the_network(number: int, code: object) -> None:
    guest = Guest()
    guest.network.error = OSError(number, "")
    assert cause_of(guest.create) == code


# ---- bind


def test_bind_gives_a_local_address() -> None:
    tcp, _ = Guest().bound()
    assert tcp.local_address() == v4(50000)


@pytest.mark.parametrize("address", [V6_LOOPBACK, NOT_UNICAST])
def test_bind_looks_at_the_address_before_it_asks_the_policy(address: Address) -> None:
    policy = Asked()
    tcp, socket = Guest(policy).create()
    assert cause_of(lambda: at_once(tcp.bind(address))) == Reason.INVALID_ARGUMENT
    assert (policy.questions, socket.calls) == ([], [])


def test_bind_asks_the_policy_before_the_network() -> None:
    policy = Asked()
    tcp, socket = Guest(policy).create()
    assert cause_of(lambda: at_once(tcp.bind(v4(7)))) == errno.EACCES
    assert (policy.questions, socket.calls) == ([("127.0.0.1:7", BIND)], [])


def test_bind_may_be_tried_again_after_it_failed() -> None:
    tcp, socket = Guest().create()
    socket.fails["bind"] = [IN_USE]
    assert cause_of(lambda: at_once(tcp.bind(v4(7)))) == errno.EADDRINUSE
    at_once(tcp.bind(v4(8)))
    assert tcp.local_address() == v4(8)


async def test_bind_waits_for_a_policy_that_takes_time() -> None:
    async def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        await asyncio.sleep(0)
        return False

    tcp, socket = Guest(policy).create()
    with pytest.raises(FAILURES):
        await waited(tcp.bind(v4(7)))
    assert socket.calls == []


# ---- connect


def test_connect_completes_at_once_when_the_network_does() -> None:
    tcp, socket = Guest().connected()
    assert socket.calls == ["connect", "finish_connect"]
    assert tcp.remote_address() == PEER


async def test_connect_waits_until_the_socket_is_writable() -> None:
    tcp, socket = Guest().create()
    socket.fails["finish_connect"] = [BLOCKED]
    call = asyncio.ensure_future(waiting(tcp.connect(v4(80))))
    await asyncio.sleep(0)
    assert cause_of(tcp.remote_address) == Reason.INVALID_STATE
    assert socket.writable is not None
    socket.writable()
    await call
    assert tcp.remote_address() == PEER


@pytest.mark.parametrize("address", [V6_LOOPBACK, NOT_UNICAST, v4(0), v4(80, (0, 0, 0, 0))])
def test_connect_with_an_invalid_address_leaves_the_socket_as_it_was(address: Address) -> None:
    policy = Asked(BIND, CONNECT)
    tcp, socket = Guest(policy).create()
    assert cause_of(lambda: at_once(tcp.connect(address))) == Reason.INVALID_ARGUMENT
    assert (policy.questions, socket.calls) == ([], [])
    at_once(tcp.connect(v4(80)))


@pytest.mark.parametrize("allowed", [(), (BIND,), (CONNECT,)])
def test_connect_of_an_unbound_socket_asks_about_the_peer_and_then_for_the_implicit_bind(
    allowed: tuple[SocketAddressUse, ...],
) -> None:
    policy = Asked(*allowed)
    tcp, socket = Guest(policy).create()
    assert cause_of(lambda: at_once(tcp.connect(v4(80)))) == errno.EACCES
    asked = [("127.0.0.1:80", CONNECT), ("0.0.0.0:0", BIND)]
    assert policy.questions == asked[: 2 if CONNECT in allowed else 1]
    assert socket.calls == ["close"]


def test_connect_of_a_bound_socket_does_not_ask_to_bind_again() -> None:
    policy = Asked(BIND, CONNECT)
    tcp, _ = Guest(policy).bound()
    at_once(tcp.connect(v4(80)))
    assert policy.questions[1:] == [("127.0.0.1:80", CONNECT)]


@pytest.mark.parametrize("step", ["connect", "finish_connect"])
def test_a_failed_connect_closes_the_socket_for_good(step: str) -> None:
    tcp, socket = Guest().create()
    socket.fails[step] = [OSError(errno.ETIMEDOUT, "")]
    assert cause_of(lambda: at_once(tcp.connect(v4(80)))) == errno.ETIMEDOUT
    assert cause_of(lambda: at_once(tcp.connect(v4(80)))) == Reason.INVALID_STATE
    assert cause_of(lambda: tcp.get_option(Option.HOP_LIMIT)) == errno.ETIMEDOUT
    assert socket.closed == 1


def test_a_closed_socket_is_not_closed_again_by_close() -> None:
    tcp, socket = Guest().closed()
    tcp.close()
    assert socket.closed == 1


async def test_a_cancelled_connect_closes_the_socket_and_leaves_no_waiter() -> None:
    tcp, socket = Guest().create()
    socket.fails["finish_connect"] = [BLOCKED]
    call = asyncio.ensure_future(waiting(tcp.connect(v4(80))))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert cause_of(lambda: tcp.get_option(Option.HOP_LIMIT)) == Reason.INVALID_STATE
    assert (socket.closed, socket.writable) == (1, None)


async def test_connect_survives_that_the_handle_goes_first() -> None:
    guest = Guest()
    tcp, socket = guest.connecting()
    tcp.close()
    guest.cancel()
    assert socket.closed == 1


def test_an_exception_of_the_policy_reaches_the_embedder_and_closes_the_socket() -> None:
    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        raise LookupError("mine")

    tcp, socket = Guest(policy).create()
    with pytest.raises(LookupError, match="mine"):
        at_once(tcp.connect(v4(80)))
    assert socket.closed == 1


def test_an_os_error_of_the_policy_is_no_error_of_the_network() -> None:
    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        raise FileNotFoundError("rules.txt")

    tcp, _ = Guest(policy).create()
    with pytest.raises(FileNotFoundError):
        at_once(tcp.bind(v4(7)))


# ---- listen


def test_listen_of_a_bound_socket_asks_about_the_actual_address() -> None:
    policy = Asked(BIND, LISTEN)
    tcp, socket = Guest(policy).bound()
    listen(tcp)
    assert policy.questions[1:] == [("127.0.0.1:50000", LISTEN)]
    assert socket.backlog == 128


def test_listen_of_an_unbound_socket_binds_it_to_any_address() -> None:
    policy = Asked(BIND, LISTEN)
    tcp, socket = Guest(policy).create()
    listen(tcp)
    assert policy.questions == [("0.0.0.0:0", BIND), ("0.0.0.0:50000", LISTEN)]
    assert socket.calls == ["bind", "local_address", "listen"]
    assert tcp.is_listening


def test_a_denied_listen_leaves_the_socket_bound_and_not_listening() -> None:
    tcp, socket = Guest(Asked(BIND)).create()
    assert cause_of(lambda: listen(tcp)) == errno.EACCES
    assert socket.calls == ["bind", "local_address"]
    assert cause_of(lambda: at_once(tcp.bind(v4(7)))) == Reason.INVALID_STATE
    assert not tcp.is_listening


def test_listen_makes_no_system_call_if_its_implicit_bind_is_denied() -> None:
    tcp, socket = Guest(Asked(LISTEN)).create()
    assert cause_of(lambda: listen(tcp)) == errno.EACCES
    assert socket.calls == []
    at_once(Guest(Asked(BIND)).create()[0].bind(v4(7)))


def test_a_failed_listen_may_be_tried_again() -> None:
    tcp, socket = Guest().bound()
    socket.fails["listen"] = [IN_USE]
    assert cause_of(lambda: listen(tcp)) == errno.EADDRINUSE
    assert not tcp.is_listening
    listen(tcp)


def test_after_an_implicit_bind_a_failed_listen_leaves_the_socket_bound() -> None:
    tcp, socket = Guest().create()
    socket.fails["listen"] = [IN_USE]
    with pytest.raises(FAILURES):
        listen(tcp)
    assert tcp.local_address() == v4(50000, (0, 0, 0, 0))


# ---- backlog


def test_a_backlog_set_before_listen_is_used_by_it() -> None:
    tcp, socket = Guest().bound()
    tcp.set_backlog(5)
    listen(tcp)
    assert socket.backlog == 5


def test_a_backlog_set_while_listening_is_handed_on() -> None:
    tcp, socket = Guest().listening()
    tcp.set_backlog(1 << 63)
    assert socket.backlog == (1 << 31) - 1


def test_a_backlog_that_the_platform_refuses_while_listening_is_not_supported() -> None:
    tcp, socket = Guest().listening()
    socket.fails["listen"] = [OSError(errno.EINVAL, "")]
    assert cause_of(lambda: tcp.set_backlog(5)) == Reason.NOT_SUPPORTED


# ---- questions


@pytest.mark.parametrize("state", [Guest.create, Guest.bound, Guest.connected, Guest.closed])
def test_only_a_listening_socket_is_listening(state: Callable[[Guest], tuple[TcpSocket, FakeSocket]]) -> None:
    tcp = state(Guest())[0]
    assert not tcp.is_listening


def test_a_peer_that_is_gone_is_the_error_of_the_network() -> None:
    tcp, socket = Guest().connected()
    socket.fails["remote_address"] = [OSError(errno.ENOTCONN, "")]
    assert cause_of(tcp.remote_address) == errno.ENOTCONN


def test_an_outbound_rule_allows_an_explicit_bind_to_any_address_but_not_to_listen_there() -> None:
    tcp, _ = Guest(Rules(outbound=["tcp://127.0.0.1:80"])).create()
    at_once(tcp.bind(v4(0, (0, 0, 0, 0))))
    assert cause_of(lambda: listen(tcp)) == errno.EACCES
    at_once(tcp.connect(v4(80)))


def test_an_inbound_rule_for_any_port_allows_a_free_port_but_not_to_connect() -> None:
    guest = Guest(Rules(inbound=["tcp://127.0.0.1:*"]))
    listener, _ = guest.listening()
    assert listener.is_listening
    assert cause_of(lambda: guest.connected()) == errno.EACCES


def test_without_a_policy_everything_is_denied() -> None:
    guest = Guest()
    tcp = TcpSocket.create(Access(guest.network), 4)
    assert cause_of(lambda: at_once(tcp.bind(v4(7)))) == errno.EACCES
