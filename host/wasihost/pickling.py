"""What belongs to its process, and says so when it is pickled."""

from __future__ import annotations

from typing import ClassVar, NoReturn


class OfOneProcess:
    """Base of what cannot be pickled; `_instead` says what can."""

    _instead: ClassVar[str]

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__qualname__} objects cannot be pickled: {self._instead}")
