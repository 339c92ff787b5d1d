"""Lookups that block, in threads of their own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from wasihost._base.threads import NoThreadError, Threads

P = ParamSpec("P")
T = TypeVar("T")


class LookupThreads(Threads):
    """Threads for the lookups of one guest; without one, a lookup fails with EAI_AGAIN."""

    def __init__(self) -> None:
        super().__init__("wasihost-lookup")

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            return super().submit(call, *args, **kwargs)
        except NoThreadError as error:
            raise socket.gaierror(socket.EAI_AGAIN, error.strerror) from error
