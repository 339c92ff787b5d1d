"""A state machine as a table."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from wasihost._base.errors import InternalError

S = TypeVar("S", bound=enum.Enum)
E = TypeVar("E", bound=enum.Enum)


class Transitions(dict[tuple[S, E], S]):
    """The state that follows each state and event; any other pair is an InternalError that names `subject`."""

    def __init__(self, subject: str, table: Mapping[tuple[S, E], S]) -> None:
        super().__init__(table)
        self._subject = subject

    def __missing__(self, key: tuple[Any, Any]) -> NoReturn:
        state, event = key
        raise InternalError(f"{self._subject} that is {state.value} cannot see {event.value!r}")
