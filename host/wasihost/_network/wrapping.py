"""Networks around another network: sockets that pass every call on; subclasses change or watch some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from wasihost._network.base import Address, DatagramSocket, Endpoint, Family, IpAddress, Network, Option, Socket

E = TypeVar("E", bound=Endpoint)


class EndpointAround(Endpoint, Generic[E]):
    """An endpoint that passes every call on to `inner`."""

    __slots__ = ("inner",)

    def __init__(self, inner: E) -> None:
        self.inner = inner

    def bind(self, address: Address) -> None:
        self.inner.bind(address)

    def close(self) -> None:
        self.inner.close()

    def local_address(self) -> Address:
        return self.inner.local_address()

    def remote_address(self) -> Address:
        return self.inner.remote_address()

    def get_option(self, option: Option) -> int:
        return self.inner.get_option(option)

    def set_option(self, option: Option, value: int) -> None:
        self.inner.set_option(option, value)

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self.inner.wait_readable(callback)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self.inner.wait_writable(callback)

    def cancel_readable(self) -> None:
        self.inner.cancel_readable()

    def cancel_writable(self) -> None:
        self.inner.cancel_writable()


class SocketAround(EndpointAround[Socket], Socket):
    """A TCP socket that passes every call on to `inner`; accepted sockets do too, unless `around` says otherwise."""

    __slots__ = ()

    def around(self, accepted: Socket, peer: Address) -> Socket:
        """The result of `accept` for a connection of the inner socket."""
        return accepted

    def connect(self, address: Address) -> None:
        self.inner.connect(address)

    def finish_connect(self) -> None:
        self.inner.finish_connect()

    def listen(self, backlog: int) -> None:
        self.inner.listen(backlog)

    def accept(self) -> tuple[Socket, Address]:
        accepted, peer = self.inner.accept()
        return self.around(accepted, peer), peer

    def abort(self) -> None:
        self.inner.abort()

    def recv_into(self, view: memoryview) -> int:
        return self.inner.recv_into(view)

    def send(self, view: memoryview) -> int:
        return self.inner.send(view)

    def shutdown_read(self) -> None:
        self.inner.shutdown_read()

    def shutdown_write(self) -> None:
        self.inner.shutdown_write()

    def send_at_once(self) -> None:
        self.inner.send_at_once()


class DatagramSocketAround(EndpointAround[DatagramSocket], DatagramSocket):
    """A UDP socket that passes every call on to `inner`."""

    __slots__ = ()

    def connect(self, address: Address) -> None:
        self.inner.connect(address)

    def disconnect(self) -> None:
        self.inner.disconnect()

    def recv_from(self) -> tuple[bytes, Address]:
        return self.inner.recv_from()

    def send_to(self, data: bytes, address: Address | None) -> None:
        self.inner.send_to(data, address)


class NetworkAround(Network):
    """A network that passes every call on to `inner`."""

    def __init__(self, inner: Network) -> None:
        self.inner = inner

    def tcp_socket(self, family: Family) -> Socket:
        return self.inner.tcp_socket(family)

    def udp_socket(self, family: Family) -> DatagramSocket:
        return self.inner.udp_socket(family)

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        return await self.inner.resolve(name)

    def finish(self) -> None:
        self.inner.finish()
