"""The resource `fields` of `wasi:http/types`, on the core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol, TypeVar, TypeVarTuple

from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError
from wasihost._http.messages import Header
from wasihost._wasi.http import fields
from wasihost._wasi.http.fields import FieldRules, FieldsError, Refusal

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class HeaderError:
    """WIT: `variant header-error`."""

    class InvalidSyntax(Frozen):
        """A name or value is not as RFC 9110 has them."""

        case: ClassVar[str] = "invalid-syntax"

    class Forbidden(Frozen):
        """The name is the transport's."""

        case: ClassVar[str] = "forbidden"

    class Immutable(Frozen):
        """The fields belong to a message."""

        case: ClassVar[str] = "immutable"

    class SizeExceeded(Frozen):
        """There is no room for more."""

        case: ClassVar[str] = "size-exceeded"

    class Other(Frozen):
        """Anything else, which does not happen here."""

        case: ClassVar[str] = "other"
        value: str | None


_ERRORS = {
    Refusal.INVALID_SYNTAX: HeaderError.InvalidSyntax(),
    Refusal.FORBIDDEN: HeaderError.Forbidden(),
    Refusal.IMMUTABLE: HeaderError.Immutable(),
    Refusal.SIZE_EXCEEDED: HeaderError.SizeExceeded(),
}


def _attempt(call: Callable[[*Ts], T], *args: *Ts) -> T:
    """What a call of the core gives; its refusal becomes a `header-error`."""
    try:
        return call(*args)
    except FieldsError as error:
        raise WitError(_ERRORS[error.refusal]) from error


class HasRules(Protocol):
    """The provider that a resource is made by."""

    rules: FieldRules


class Fields:
    """WIT: `resource fields`.

    What any method that changes them gives, in this order:

    - `invalid-syntax`: the name is no token, or a value has control characters; or a `content-length` is no number.
    - `forbidden`: the name is the transport's, as `host` or `connection`.
    - `immutable`: they belong to a message.
    - `size-exceeded`: they would have more than 128 KiB, with 32 bytes for each name and 40 for each value.
    """

    __slots__ = ("core",)

    def __init__(self, provider: HasRules) -> None:
        """WIT: `constructor()`; mutable ones."""
        self.core = fields.Fields(provider.rules)

    @classmethod
    def of(cls, core: fields.Fields) -> Fields:
        """The resource of fields that are there."""
        found = cls.__new__(cls)
        found.core = core
        return found

    @classmethod
    def from_list(cls, provider: HasRules, entries: Sequence[Header]) -> Fields:
        """WIT: `from-list: static func(entries: list<tuple<field-name, field-value>>) -> result<fields, header-error>`."""  # noqa: E501
        return cls.of(_attempt(fields.Fields, provider.rules, entries))

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
        _attempt(self.core.set, name, value)

    def delete(self, name: str) -> None:
        """WIT: `delete: func(name: field-name) -> result<_, header-error>`."""
        _attempt(self.core.delete, name)

    def get_and_delete(self, name: str) -> list[bytes]:
        """WIT: `get-and-delete: func(name: field-name) -> result<list<field-value>, header-error>`."""
        return _attempt(self.core.get_and_delete, name)

    def append(self, name: str, value: bytes) -> None:
        """WIT: `append: func(name: field-name, value: field-value) -> result<_, header-error>`."""
        _attempt(self.core.append, name, value)

    def copy_all(self) -> list[Header]:
        """WIT: `copy-all: func() -> list<tuple<field-name, field-value>>`; as they are sent, names as given."""
        return self.core.entries

    def clone(self) -> Fields:
        """WIT: `clone: func() -> fields`; mutable."""
        return Fields.of(self.core.clone())
