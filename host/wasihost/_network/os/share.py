"""How many descriptors the sockets of guests may take, so that the embedder's own `open` goes on working.

Theory of operation. `create` takes a descriptor before any policy is asked, and a process has only so many: its soft
limit of RLIMIT_NOFILE, getrlimit(2). One guest may hold a quarter of them, all guests together half. The limit may be
raised, so it is looked up again when the last one does not suffice; one that is lowered counts from then on.
Descriptors are in sets, whose changes are atomic, so that threads need no lock and a child process counts on with those
it inherits. Two threads at once may go beyond the half by one.
"""

from __future__ import annotations

import errno
import logging
import resource

from wasihost._network.base import os_error

_log = logging.getLogger("wasihost.quotas")
_held_by_all: set[int] = set()


class Share:
    """The descriptors of one guest's sockets; `sockets` is how many it may hold, if that is not to be a quarter.

    Those of a server of the host itself do not count among those of all guests.
    """

    __slots__ = ("_has_warned", "_held", "_is_guests", "_most", "_most_of_all", "_sockets")

    def __init__(self, sockets: int | None = None, *, is_guests: bool = True) -> None:
        self._sockets = sockets
        self._is_guests = is_guests
        self._held = set[int]()
        self._has_warned = False
        self._most = 0
        self._most_of_all = 0

    def add(self, descriptor: int) -> None:
        """A socket has been made."""
        self._held.add(descriptor)
        if self._is_guests:
            _held_by_all.add(descriptor)

    def discard(self, descriptor: int) -> None:
        """It is about to be closed; -1, of one that is closed, is nothing."""
        self._held.discard(descriptor)
        _held_by_all.discard(descriptor)

    @property
    def lacks(self) -> str:
        """Which limit does not allow another socket; empty if there is room."""
        if len(self._held) < self._most and len(_held_by_all) < self._most_of_all:
            return ""
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = descriptors // 4 if self._sockets is None else self._sockets
        self._most_of_all = max(descriptors // 2, self._most)
        if len(self._held) >= self._most:
            return f"a guest may hold {self._most} of this process's {descriptors} descriptors"
        if self._is_guests and len(_held_by_all) >= self._most_of_all:
            return f"all guests together may hold {self._most_of_all} of this process's {descriptors} descriptors"
        return ""

    def require_room(self) -> None:
        """Errors: ENOBUFS, as from quotas, if the guest may have no other socket."""
        if lacks := self.lacks:
            level = logging.DEBUG if self._has_warned else logging.WARNING
            self._has_warned = True
            _log.log(level, "no socket: %s; raise that with Quotas(sockets=...)", lacks, extra={"limit": "sockets"})
            raise os_error(errno.ENOBUFS)
