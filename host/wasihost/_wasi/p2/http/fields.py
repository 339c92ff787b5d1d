"""The resource `fields` of `wasi:http/types`, on the core."""

from __future__ import annotations

from typing import ClassVar

from wasihost._base.errors import GuestTrap
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


_ERRORS = {
    Refusal.INVALID_SYNTAX: HeaderError.InvalidSyntax(),
    Refusal.FORBIDDEN: HeaderError.Forbidden(),
    Refusal.IMMUTABLE: HeaderError.Immutable(),
}


class Fields(CommonFields):
    """WIT: `resource fields`. Those of a message are no child of it here, and may be dropped later."""

    __slots__ = ()

    def entries(self) -> list[Header]:
        """WIT: `entries: func() -> list<tuple<field-name, field-value>>`; as they are sent, names as given."""
        return self.core.entries

    @staticmethod
    def _refused(refusal: Refusal) -> Exception:
        if refusal is Refusal.SIZE_EXCEEDED:  # for which 0.2 has no word
            return GuestTrap("the total size of the fields exceeds the limit")
        return WitError(_ERRORS[refusal])
