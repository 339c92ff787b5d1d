"""`Frozen`: classes of immutable values, equal when their fields are, that cost next to nothing to define.

As `@dataclass(frozen=True)`. That generates and compiles five functions for each class, which takes 0.3 ms at every
start of the program: with fifty classes, as long as the rest of `import wasihost` together.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Frozen:
    """Fields are the annotations of the class, after those of its base; defaults are there too.

    A class of which very many objects are made writes an `__init__` of its own, which puts them into `self.__dict__`.
    """

    __match_args__: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}
    _names: ClassVar[frozenset[str]] = frozenset()
    _key: ClassVar[Any]

    def __init_subclass__(cls) -> None:
        annotations = cls.__annotations__
        if not all(isinstance(annotation, str) for annotation in annotations.values()):
            raise TypeError(f"{cls.__qualname__}: its module needs `from __future__ import annotations`")
        own = [name for name, annotation in annotations.items() if not annotation.startswith("ClassVar")]
        cls.__match_args__ = (*cls.__match_args__, *own)  # type: ignore[misc]
        cls._names = frozenset(cls.__match_args__)
        cls._defaults = {name: getattr(cls, name) for name in cls.__match_args__ if hasattr(cls, name)}
        cls._key = attrgetter("__class__", *cls.__match_args__)

    def __init__(self, *values: Any, **named: Any) -> None:
        if not values and named.keys() == self._names:
            self.__dict__.update(named)
        elif not named and len(values) == len(self.__match_args__):
            self.__dict__.update(zip(self.__match_args__, values, strict=True))
        else:
            self.__dict__.update(self._completed(values, named))

    def _completed(self, values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        """All fields, with those that are named or have a default."""
        fields = self.__match_args__
        placed = dict(zip(fields, values, strict=False))
        found = self._defaults | placed | named
        if len(values) > len(fields) or found.keys() != self._names or not placed.keys().isdisjoint(named):
            raise TypeError(f"{type(self).__qualname__} takes ({', '.join(fields)})")
        return found

    def _with(self, **changed: Any) -> Self:
        """The same with other values in some fields."""
        return type(self)(*[changed.pop(name, getattr(self, name)) for name in self.__match_args__], **changed)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__qualname__} cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__qualname__} cannot be changed")

    def __eq__(self, other: object) -> bool:
        return self.__class__ is other.__class__ and self._key(self) == self._key(other)

    def __hash__(self) -> int:
        found: int | None = self.__dict__.get("_hash")
        if found is None:
            found = self.__dict__["_hash"] = hash(self._key(self))
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Without the hash, which differs from process to process."""
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__qualname__}({fields})"
