"""The resource `fields` of `wasi:http/types`, on the core."""

from __future__ import annotations

from typing import ClassVar

from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError
from wasihost._http.messages import Header
from wasihost._wasi.common.http_fields import CommonFields
from wasihost._wasi.http.fields import Refusal


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


class Fields(CommonFields):
    """WIT: `resource fields`."""

    __slots__ = ()

    def get_and_delete(self, name: str) -> list[bytes]:
        """WIT: `get-and-delete: func(name: field-name) -> result<list<field-value>, header-error>`."""
        return self._attempt(self.core.get_and_delete, name)

    def copy_all(self) -> list[Header]:
        """WIT: `copy-all: func() -> list<tuple<field-name, field-value>>`; as they are sent, names as given."""
        return self.core.entries

    @staticmethod
    def _refused(refusal: Refusal) -> WitError:
        return WitError(_ERRORS[refusal])
