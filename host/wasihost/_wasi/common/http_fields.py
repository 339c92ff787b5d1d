"""The resource `fields` of `wasi:http/types`, as far as it reads the same in both versions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar, TypeVarTuple

from wasihost._base.errors import GuestTrap
from wasihost._http.messages import Header
from wasihost._wasi.http import fields
from wasihost._wasi.http.fields import FieldRules, FieldsError, Refusal

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class HasRules(Protocol):
    """The provider that a resource is made by."""

    rules: FieldRules


class CommonFields:
    """WIT: `resource fields`.

    Any method that changes them gives, in this order:

    - `invalid-syntax`: the name is no token, or a value has control characters; or a `content-length` is no number.
    - `forbidden`: the name is the transport's, as `host` or `connection`.
    - `immutable`: they belong to a message.
    - In 0.3 `size-exceeded`, in 0.2 a trap: they would have more than 128 KiB, or all of the guest more than 64 MiB,
      with 32 bytes for each name and 40 for each value.
    """

    __slots__ = ("core",)

    def __init__(self, provider: HasRules) -> None:
        """WIT: `constructor()`; mutable ones."""
        self.core = fields.Fields(provider.rules)

    @classmethod
    def of(cls, core: fields.Fields) -> Self:
        """The resource of fields that are there."""
        found = cls.__new__(cls)
        found.core = core
        return found

    @classmethod
    def from_list(cls, provider: HasRules, entries: Sequence[Header]) -> Self:
        """WIT: `from-list: static func(entries: list<tuple<field-name, field-value>>) -> result<fields, header-error>`."""  # noqa: E501
        return cls.of(cls._attempt(fields.Fields, provider.rules, entries))

    def get(self, name: str) -> list[bytes]:
        """WIT: `get: func(name: field-name) -> list<field-value>`; in order, none for a bad name."""
        return self.core.get(name)

    def has(self, name: str) -> bool:
        """WIT: `has: func(name: field-name) -> bool`."""
        return self.core.has(name)

    def set(self, name: str, value: Sequence[bytes]) -> None:
        """WIT: `set: func(name: field-name, value: list<field-value>) -> result<_, header-error>`.

        No values delete the name. One that is refused leaves all as it was.
        """
        self._attempt(self.core.set, name, value)

    def delete(self, name: str) -> None:
        """WIT: `delete: func(name: field-name) -> result<_, header-error>`."""
        self._attempt(self.core.delete, name)

    def append(self, name: str, value: bytes) -> None:
        """WIT: `append: func(name: field-name, value: field-value) -> result<_, header-error>`."""
        self._attempt(self.core.append, name, value)

    def clone(self) -> Self:
        """WIT: `clone: func() -> fields`; mutable. A trap, if all that the guest has take more than 64 MiB."""
        try:
            return self.of(self.core.clone())
        except FieldsError:
            raise GuestTrap("clone: the fields that the guest has take more than 64 MiB") from None

    # ---- below the WIT

    @classmethod
    def _attempt(cls, call: Callable[[*Ts], T], *args: *Ts) -> T:
        """The result of a call of the core; its refusal becomes the version's counterpart."""
        try:
            return call(*args)
        except FieldsError as error:
            raise cls._refused(error.refusal) from error

    @staticmethod
    @abstractmethod
    def _refused(refusal: Refusal) -> Exception:
        """The exception for the guest at a refusal."""
