"""How many refusals of a guest are logged: a guest could be refused without end, as could strangers that call it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Final

LOGGER: Final = logging.getLogger("wasihost.policy")
MOST_A_SECOND: Final = 50


class Refusals:
    """Counts the refusals of one guest; of those beyond `MOST_A_SECOND` only the number is logged.

    That is when the first of a later second is, or at the end.
    """

    def __init__(self, guest: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._guest = guest
        self._now_s = now_s
        self._began_s = -math.inf
        self._count = 0

    def are_logged(self) -> bool:
        """Whether the refusal that comes now is to be logged."""
        now_s = self._now_s()
        if now_s - self._began_s >= 1:
            self.close()
            self._began_s = now_s
        self._count += 1
        return self._count <= MOST_A_SECOND

    def close(self) -> None:
        """Logs how many were not, if any."""
        more = self._count - MOST_A_SECOND
        self._count = 0
        if more > 0:
            extra = {"guest": self._guest, "refusals": more}
            LOGGER.warning("refused %d more uses within a second", more, extra=extra)
