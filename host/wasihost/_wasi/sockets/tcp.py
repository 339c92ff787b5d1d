"""TCP sockets of one guest: their states, and the order of questions and calls.

The rules for states are in `states`, for addresses in `addresses`, for options in `options`. A policy is always asked
before the system call. On a closed socket most operations fail with the error that closed it.

An argument of `connect` that is not valid leaves the socket as it was, as in Wasmtime and in its test programs; the WIT
says that the socket is closed after a failed attempt, and no attempt was made.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from wasihost._network.base import WILDCARD, Address, Family, Socket
from wasihost._network.waiting import writable
from wasihost._policy import SocketAddressUse, Verdict
from wasihost._policy.asking import Question, Steps, run, settled
from wasihost._wasi.failures import Cause, Failure, Reason, attempt
from wasihost._wasi.sockets.accept import Acceptor
from wasihost._wasi.sockets.access import Access, Refused, new_socket, permitted
from wasihost._wasi.sockets.addresses import is_valid_local, is_valid_remote
from wasihost._wasi.sockets.operations import (
    BACKLOG,
    BIND,
    CONNECT,
    LISTEN,
    LOCAL_ADDRESS,
    RECEIVE,
    REMOTE_ADDRESS,
    SEND,
    Operation,
)
from wasihost._wasi.sockets.options import MAX_INT, Options, not_zero
from wasihost._wasi.sockets.own import OWN, is_free_loopback_port
from wasihost._wasi.sockets.shared import SharedSocket
from wasihost._wasi.sockets.states import ALLOWED, TRANSITIONS, Event, State, refusal
from wasihost._wasi.sockets.streams import OnClose, ReceiveSource, SendSink

DEFAULT_BACKLOG: Final = 128  # as in Wasmtime; Linux: SOMAXCONN before 5.4

T = TypeVar("T")


class TcpSocket(Options):
    """One TCP socket. All methods fail with `Failure`, or `Refused` by the policy."""

    __slots__ = (
        "_access",
        "_backlog",
        "_claimed",
        "_closed_by",
        "_makes_pairs",
        "_otherwise",
        "_peer",
        "_shared",
        "family",
        "state",
    )

    def __init__(self, access: Access, family: Family, shared: SharedSocket | None, state: State) -> None:
        self._access = access
        self.family = family
        self._shared = shared
        self.state = state
        self._backlog = DEFAULT_BACKLOG
        self._claimed: tuple[Operation, ...] = ()
        self._closed_by: Cause | None = None
        self._makes_pairs = False
        self._otherwise: Verdict | None = None  # on bind and listen if no rule matches
        self._peer: Address | None = None  # the guest's peer, if the policy has it talk to another

    @classmethod
    def create(cls, access: Access, family: Family, *, makes_pairs: bool = False) -> TcpSocket:
        """A new socket; NOT_SUPPORTED if there is no such address family here.

        `makes_pairs`: no rule is needed to connect to another socket of the guest, see `own`.
        """
        made = cls(access, family, SharedSocket(new_socket(access.network.tcp_socket, family)), State.UNBOUND)
        made._makes_pairs = makes_pairs
        return made

    def bind(self, address: Address) -> Question[None] | None:
        """Takes a local address; a question if the policy takes time."""
        socket = self._allowed(BIND)
        if not is_valid_local(address, self.family):
            raise Failure(Reason.INVALID_ARGUMENT)
        return run(self._bound(socket, address))

    def connect(self, address: Address) -> Coroutine[Any, Any, None] | None:
        """Connects, from a free port if the socket is unbound; None if neither the policy nor the peer lets it wait.

        Any failure but INVALID_STATE and INVALID_ARGUMENT closes the socket, and so does cancelling.
        """
        socket = self._allowed(CONNECT)
        if not is_valid_remote(address, self.family):
            raise Failure(Reason.INVALID_ARGUMENT)
        asked = [(address, SocketAddressUse.TCP_CONNECT)]
        if self.state is State.UNBOUND:
            asked.append((WILDCARD[self.family], SocketAddressUse.TCP_BIND))
        self._see(Event.CONNECT)
        try:
            verdict = self._access.ask_for_each(asked, OWN if address in self._access.own else None)
            if isinstance(verdict, Verdict) and self._begins_connected(socket, address, verdict):
                self._see(Event.CONNECT_OK)
                return None
        except BaseException as error:
            self._connect_failed(error)
            raise
        return self._connect(socket, address, verdict)

    async def _connect(self, socket: Socket, address: Address, verdict: Verdict | Question[Verdict]) -> None:
        """The part of `connect` that waits: first for the policy, if it is to be awaited, and then for the peer."""
        try:
            connected = not isinstance(verdict, Verdict) and self._begins_connected(
                socket, address, await settled(verdict)
            )
            while not connected:
                await writable(socket)
                connected = attempt(_is_connected, socket)
        except BaseException as error:
            self._connect_failed(error)
            raise
        self._see(Event.CONNECT_OK)

    def listen(self) -> Acceptor[TcpSocket] | Question[Acceptor[TcpSocket]]:
        """Lets connections come in; a question if the policy takes time.

        An unbound socket is bound to any address and a free port, and stays so if listening fails.
        """
        return run(self._listening(self._allowed(LISTEN)))

    def send(self, on_close: OnClose) -> SendSink:
        """The sink for bytes to send, once; its end is a FIN."""
        return SendSink(self._claim(SEND), on_close)

    def receive(self, on_close: OnClose) -> ReceiveSource:
        """The source of received bytes, once."""
        return ReceiveSource(self._claim(RECEIVE), on_close)

    def local_address(self) -> Address:
        """Where it is bound."""
        return attempt(self._allowed(LOCAL_ADDRESS).local_address)

    def remote_address(self) -> Address:
        """The guest's peer, as the guest knows it."""
        address = attempt(self._allowed(REMOTE_ADDRESS).remote_address)
        return self._peer or address

    @property
    def is_listening(self) -> bool:
        """Whether connections may come in."""
        return self.state is State.LISTENING

    def set_backlog(self, value: int) -> None:
        """How many connections may wait to be accepted; NOT_SUPPORTED if the platform cannot change it any more."""
        backlog = min(not_zero(value), MAX_INT)
        socket = self._allowed(BACKLOG)
        if self.state is State.LISTENING:
            try:
                socket.listen(backlog)
            except OSError as error:
                raise Failure(Reason.NOT_SUPPORTED) from error
        self._backlog = backlog

    def not_connected(self) -> TcpSocket:
        """This socket for a guest that has yet to learn how its `connect` ended: one that is connecting."""
        return TcpSocket(self._access, self.family, None, State.CONNECTING)

    def close(self) -> None:
        """Gives up this share: the socket of the network is closed when no stream of it is left."""
        shared = self._shared
        self._shared = None
        if shared is not None:
            shared.release()

    # ---- below

    def _allowed(self, operation: Operation) -> Socket:
        shared = self._shared
        if shared is None or self.state not in ALLOWED[operation]:
            raise refusal(operation, self._closed_by)
        return shared.socket

    def _see(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]

    def _bound(self, socket: Socket, address: Address) -> Steps[None]:
        self._otherwise = OWN if self._makes_pairs and is_free_loopback_port(address) else None
        yield from self._access.require(address, SocketAddressUse.TCP_BIND, otherwise=self._otherwise)
        attempt(socket.bind, address)
        self._see(Event.BIND_OK)

    def _listening(self, socket: Socket) -> Steps[Acceptor[TcpSocket]]:
        if self.state is State.UNBOUND:
            yield from self._bound(socket, WILDCARD[self.family])
        # Only now it is known which port a free one is: no peer comes in by one that is denied.
        address = attempt(socket.local_address)
        verdict = yield from self._access.require(address, SocketAddressUse.TCP_LISTEN, otherwise=self._otherwise)
        attempt(socket.listen, self._backlog)
        self._see(Event.LISTEN_OK)
        if verdict is OWN:
            self._access.own.open(address)
        return Acceptor(self._share(), self._access, address, self._accepted)

    def _begins_connected(self, socket: Socket, address: Address, verdict: Verdict) -> bool:
        """Begins to connect, if that is allowed, and to where; whether that was all."""
        target = permitted(verdict).target
        if target is not None:
            self._peer = address
            address = target
        try:
            socket.connect(address)
            if address in self._access.own:
                self._access.own.connect(address, socket.local_address())
            socket.finish_connect()
        except BlockingIOError:
            return False
        except OSError as error:
            raise Failure(error) from error
        return True

    def _connect_failed(self, error: BaseException) -> None:
        self._closed_by = _cause(error)
        self._see(Event.CONNECT_ERR)
        self.close()

    def _share(self) -> SharedSocket:
        assert self._shared is not None
        return self._shared.own()

    def _claim(self, operation: Operation) -> SharedSocket:
        """A share of the socket for an operation that may be done once."""
        self._allowed(operation)
        if operation in self._claimed:
            raise Failure(Reason.INVALID_STATE)
        self._claimed += (operation,)
        return self._share()

    def _accepted(self, connection: Socket | OSError) -> TcpSocket:
        if isinstance(connection, OSError):
            closed = TcpSocket(self._access, self.family, None, State.CLOSED)
            closed._closed_by = connection.with_traceback(None)
            return closed
        return TcpSocket(self._access, self.family, SharedSocket(connection), State.CONNECTED)


def _cause(error: BaseException) -> Cause:
    """Why the socket is closed; without a traceback, whose frames know the socket."""
    if isinstance(error, Refused):
        return Refused()
    cause = error.cause if isinstance(error, Failure) else Reason.INVALID_STATE
    return cause.with_traceback(None) if isinstance(cause, OSError) else cause


def _is_connected(socket: Socket) -> bool:
    try:
        socket.finish_connect()
    except BlockingIOError:
        return False
    return True
