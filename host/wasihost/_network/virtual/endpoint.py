"""Common base of virtual sockets of both protocols: the local address, options, waiting."""

from __future__ import annotations

import errno
from abc import abstractmethod
from collections.abc import Callable

from wasihost._network.base import WILDCARD, Address, Endpoint, Family, Option, os_error
from wasihost._network.virtual.topology import Node
from wasihost._network.virtual.waiting import Waiter

MAX_BUFFER = 16 << 20
"""Larger buffers are this large."""


class VirtualEndpoint(Endpoint):
    """An endpoint on a host of a virtual network."""

    __slots__ = ("_bound", "_family", "_local", "_options", "_place", "_readable", "_writable", "is_closed")

    def __init__(self, place: Node, family: Family, options: dict[Option, int]) -> None:
        self._place = place
        self._family = family
        self._options = options
        self._bound: Address | None = None  # the host's port that it holds
        self._local: Address | None = None
        self._readable = Waiter()
        self._writable = Waiter()
        self.is_closed = False

    # ---- addresses

    def local_address(self) -> Address:
        self._require_open()
        return self._local or WILDCARD[self._family]

    def _check_local(self, address: Address) -> None:
        """Raises unless `bind` may take it."""
        self._require_open()
        if self._local is not None:
            raise os_error(errno.EINVAL)
        self._require_family(address)
        if not self._place.has(address.ip):
            raise os_error(errno.EADDRNOTAVAIL)

    def _require_family(self, address: Address) -> None:
        if address.ip.version != self._family:
            raise os_error(errno.EAFNOSUPPORT)

    def _require_open(self) -> None:
        if self.is_closed:
            raise os_error(errno.EBADF)

    # ---- options

    def get_option(self, option: Option) -> int:
        self._require_open()
        try:
            return self._options[option]
        except KeyError:
            raise os_error(errno.ENOPROTOOPT) from None

    def set_option(self, option: Option, value: int) -> None:
        self.get_option(option)
        if value <= 0 and option is not Option.KEEP_ALIVE:
            raise os_error(errno.EINVAL)
        if option in (Option.RECEIVE_BUFFER_BYTES, Option.SEND_BUFFER_BYTES):
            value = min(value, MAX_BUFFER)
        self._options[option] = value

    # ---- waiting

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._require_open()
        self._readable.wait(callback, self._is_readable())

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self._require_open()
        self._writable.wait(callback, self._is_writable())

    def cancel_readable(self) -> None:
        self._readable.cancel()

    def cancel_writable(self) -> None:
        self._writable.cancel()

    @abstractmethod
    def _is_readable(self) -> bool:
        """Whether receiving or accepting is worth a try."""

    @abstractmethod
    def _is_writable(self) -> bool:
        """Whether sending or `finish_connect` is worth a try."""
