"""Objects that belong to their process, and say so when they are pickled."""

from __future__ import annotations

from typing import ClassVar, NoReturn


class OfOneProcess:
    """Base of classes that cannot be pickled; `_instead` says how to do without."""

    _instead: ClassVar[str]

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__qualname__} objects cannot be pickled: {self._instead}")
