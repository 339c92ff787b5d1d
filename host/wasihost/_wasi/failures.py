"""How the cores of WASI fail, in words of no version.

A core raises `Failure` for the guest, and each binding has one place that turns it into an error-code
of its version. All other exceptions of a core are for the embedder: one of a policy or a callback, an OSError too.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeAlias, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Reason(enum.Enum):
    """The refusals of a core itself."""

    INVALID_ARGUMENT = "an argument is invalid"
    INVALID_STATE = "the operation is not valid in this state"
    NOT_SUPPORTED = "the operation is not supported here"


Cause: TypeAlias = Reason | OSError


class Failure(Exception):
    """A core failed: for a reason of its own, or because a call of the network did."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause = cause


def attempt(call: Callable[[*Ts], T], *args: *Ts) -> T:
    """The result of a call of the network; its OSError becomes the cause of a `Failure`."""
    try:
        return call(*args)
    except OSError as error:
        raise Failure(error) from error
