"""How many descriptors the files of a guest may take."""

from __future__ import annotations

import errno
import logging

from wasihost._network.base import os_error
from wasihost._network.os.share import Share

_log = logging.getLogger("wasihost.files")


class Handles(Share):
    """The descriptors of one guest's files: as many as its quotas say, or a quarter of this process's; see `Share`."""

    __slots__ = ()

    def require_room(self) -> None:
        """Errors: EMFILE if the guest may open no more."""
        if lacks := self.lacks:
            level = logging.DEBUG if self._has_warned else logging.WARNING
            self._has_warned = True
            _log.log(level, "no file is opened: %s; raise that with Quotas(open_files=...)", lacks)
            raise os_error(errno.EMFILE)
