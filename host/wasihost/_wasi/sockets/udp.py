"""UDP sockets of one guest: their states, and the order of questions and calls.

The rules for states are in `udp_states`, for addresses in `addresses`, for options in `options`. A policy is always
asked before the system call. Binding to a multicast or broadcast address and sending there is left to the system.

`send` and `receive` do as much as they can at once: a task for each datagram would cost more than the datagram.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from wasihost._network.base import WILDCARD, Address, DatagramSocket, Family
from wasihost._network.waiting import writable
from wasihost._policy import SocketAddressUse, Verdict
from wasihost._policy.asking import Question, Steps, run, settled
from wasihost._wasi.failures import Failure, Reason, attempt
from wasihost._wasi.sockets.access import Access, new_socket, permitted
from wasihost._wasi.sockets.addresses import is_of_family, is_valid_peer
from wasihost._wasi.sockets.inbox import Datagram, Inbox
from wasihost._wasi.sockets.operations import BIND, DISCONNECT, LOCAL_ADDRESS, RECEIVE, REMOTE_ADDRESS, Operation
from wasihost._wasi.sockets.options import Options
from wasihost._wasi.sockets.udp_states import ALLOWED, TRANSITIONS, Event, State


class UdpSocket(Options):
    """One UDP socket. All methods fail with `Failure`, or `Refused` by the policy."""

    __slots__ = ("_access", "_inbox", "_peer", "_sending", "_socket", "_target", "family", "state")

    def __init__(self, access: Access, family: Family, socket: DatagramSocket) -> None:
        self._access = access
        self.family = family
        self._socket = socket
        self.state = State.UNBOUND
        self._peer: Address | None = None
        self._target: Address | None = None  # the peer of the network's socket, which may answer for the guest's
        self._inbox = Inbox(socket, access, WILDCARD[family])
        self._sending = asyncio.Lock()  # held by a send that waits for room

    @classmethod
    def create(cls, access: Access, family: Family) -> UdpSocket:
        """A new socket; NOT_SUPPORTED if there is no such address family here."""
        return cls(access, family, new_socket(access.network.udp_socket, family))

    def bind(self, address: Address) -> Question[None] | None:
        """Takes a local address; a question if the policy takes time."""
        self._allowed(BIND)
        if not is_of_family(address, self.family):
            raise Failure(Reason.INVALID_ARGUMENT)
        return run(self._bound(address))

    def connect(self, address: Address) -> Question[None] | None:
        """Makes `address` the only peer, in the place of another; a question if the policy takes time.

        The policy must allow UDP_SEND or UDP_RECEIVE. An unbound socket is bound, and stays so if connecting fails.
        """
        return run(self._connected(self._valid_peer(address)))

    def disconnect(self) -> None:
        """Any address is a peer again; the local port stays."""
        attempt(self._allowed(DISCONNECT).disconnect)
        self._peer = None
        self._target = None
        self._see(Event.DISCONNECT_OK)

    def send(self, data: bytes, address: Address | None) -> Coroutine[Any, Any, None] | None:
        """Sends a datagram, to the peer if no address is given; None if neither the policy nor the network has it wait.

        An unbound socket is bound, and stays so if sending fails.
        """
        peer = self._destination(address)
        verdict = self._access.ask(peer, SocketAddressUse.UDP_SEND)
        if isinstance(verdict, Verdict):
            target = permitted(verdict).target
            ready = self.state is not State.UNBOUND and not self._sending.locked()
            if ready and self._try_to_send(data, peer, target):
                return None
        return self._send_later(data, peer, verdict)

    def receive(self) -> Datagram | None:
        """The next datagram from a sender that the policy allows; None: it has to be waited for."""
        self._allowed(RECEIVE)
        return self._inbox.receive()

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls back when another `receive` is worth a try."""
        self._inbox.wait_readable(callback)

    def local_address(self) -> Address:
        """Where it is bound."""
        return attempt(self._allowed(LOCAL_ADDRESS).local_address)

    def remote_address(self) -> Address:
        """The peer, as the guest knows it."""
        address = attempt(self._allowed(REMOTE_ADDRESS).remote_address)
        return address if self._target is self._peer else self._peer or address

    def close(self) -> None:
        """Closes the socket of the network."""
        self._inbox.close()
        self._socket.close()

    # ---- below

    def _allowed(self, operation: Operation) -> DatagramSocket:
        if self.state not in ALLOWED[operation]:
            raise Failure(Reason.INVALID_STATE)
        return self._socket

    def _see(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]

    def _bound(self, address: Address) -> Steps[None]:
        yield from self._access.require(address, SocketAddressUse.UDP_BIND)
        self._bind(address)

    def _bind(self, address: Address) -> None:
        attempt(self._allowed(BIND).bind, address)
        self._see(Event.BIND_OK)
        self._inbox.bound(address if address.port else attempt(self._socket.local_address))

    def _implicitly_bound(self) -> Steps[None]:
        address = WILDCARD[self.family]
        if self.state is State.UNBOUND:
            yield from self._access.require(address, SocketAddressUse.UDP_BIND)
        if self.state is State.UNBOUND:  # still: another call may have been faster
            self._bind(address)

    def _connected(self, address: Address) -> Steps[None]:
        uses = (SocketAddressUse.UDP_SEND, SocketAddressUse.UDP_RECEIVE)
        verdict = yield from self._access.require(address, *uses, context=self._inbox.context)
        yield from self._implicitly_bound()
        target = verdict.target or address
        attempt(self._socket.connect, target)
        self._peer = address
        self._target = target
        self._inbox.went_to(target, address)
        self._see(Event.CONNECT_OK)

    def _valid_peer(self, address: Address) -> Address:
        if not is_valid_peer(address, self.family):
            raise Failure(Reason.INVALID_ARGUMENT)
        return address

    def _destination(self, address: Address | None) -> Address:
        """Where `send` is to send to; `_peer` itself on a connected socket."""
        address = self._peer if address is None else self._valid_peer(address)
        if address is None or self._peer not in (None, address):
            raise Failure(Reason.INVALID_ARGUMENT)
        return self._peer or address

    async def _send_later(self, data: bytes, peer: Address, verdict: Verdict | Question[Verdict]) -> None:
        """The part of `send` that may wait: for the policy, and for room."""
        target = permitted(await settled(verdict)).target
        if (binding := run(self._implicitly_bound())) is not None:
            await binding
        async with self._sending:
            while not self._try_to_send(data, peer, target):
                await writable(self._socket)

    def _try_to_send(self, data: bytes, peer: Address, target: Address | None) -> bool:
        """False: there is no room. `target` is where it goes instead, if it does."""
        if target is not None or self._inbox.known_as:
            self._inbox.went_to(target or peer, peer)
        target = target or peer
        try:
            # A peer that came since the policy was asked is not the one that it was asked about.
            self._socket.send_to(data, None if target is self._target else target)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Failure(error) from error
        return True
