"""UDP sockets of the operating system."""

from __future__ import annotations

import ctypes
import errno
import socket

from wasihost._network.base import WILDCARD, Address, DatagramSocket, Family, os_error, socket_name
from wasihost._network.os.endpoint import NO_FREE_PORT, OsEndpoint, from_os
from wasihost._network.os.share import Share

_MAX_DATAGRAM = 0xFFFF  # the length field of UDP, header included
# Python's own `connect` cannot say AF_UNSPEC, which is 0 everywhere.
_connect = ctypes.CDLL(None, use_errno=True).connect
_UNSPECIFIED = bytes(16)  # struct sockaddr
_ALSO_DISCONNECTED = {errno.EAFNOSUPPORT, errno.EINVAL}  # macOS, connect(2): it is, and complains


class OsDatagramSocket(OsEndpoint, DatagramSocket):
    """A UDP socket of the operating system."""

    __slots__ = ("_bound",)

    def __init__(self, os_socket: socket.socket, family: Family, share: Share) -> None:
        super().__init__(os_socket, family, share)
        self._bound = WILDCARD[family]

    def bind(self, address: Address) -> None:
        self._socket.bind(socket_name(address))
        self._bound = address

    def connect(self, address: Address) -> None:
        code = self._socket.connect_ex(socket_name(address))
        if code == errno.EINVAL:
            code = self._reconnect(address)
        if code in NO_FREE_PORT:
            code = errno.EADDRINUSE
        if code:
            raise os_error(code)

    def _reconnect(self, address: Address) -> int:
        """Connects anew: Linux keeps the source address that it chose for the first peer, which may not do for this."""
        try:
            before = self.remote_address()
        except OSError:
            return errno.EINVAL
        self.disconnect()
        code = self._socket.connect_ex(socket_name(address))
        if code:
            self._socket.connect_ex(socket_name(before))
        return code

    def disconnect(self) -> None:
        bound = self._bound
        port = self.local_address().port
        if _connect(self._socket.fileno(), _UNSPECIFIED, len(_UNSPECIFIED)):
            code = ctypes.get_errno()
            if code not in _ALSO_DISCONNECTED:
                raise os_error(code)
        if self.local_address().port != port:
            # Linux takes back a port that it chose itself, and an address that it chose for the peer.
            self._socket.bind(socket_name(Address(bound.ip, port, bound.flow_info, bound.scope_id)))

    def recv_from(self) -> tuple[bytes, Address]:
        data, sender = self._socket.recvfrom(_MAX_DATAGRAM)
        return data, from_os(sender)

    def send_to(self, data: bytes, address: Address | None) -> None:
        if address is None:
            self._socket.send(data)
        else:
            self._socket.sendto(data, socket_name(address))
