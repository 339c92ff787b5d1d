"""The common part of `wasi:http` 0.2 and 0.3: methods, schemes, error-codes."""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeAlias

from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError, camel_case
from wasihost._http import errors
from wasihost._http.errors import DnsErrorPayload, FieldSizePayload, HttpError, Payload, TlsAlertReceivedPayload

NS_PER_S: Final = 1_000_000_000


class Case(Frozen):
    """A case of a variant without a value."""

    case: ClassVar[str]


class Other(Frozen):
    """A method or scheme by its name."""

    case: ClassVar[str] = "other"
    value: str


def _variant(name: str, cases: tuple[str, ...]) -> Any:
    """A variant of these cases and `other`."""
    classes = {camel_case(case): type(camel_case(case), (Case,), {"case": case}) for case in cases}
    return type(name, (), {**classes, "Other": Other})


_METHODS: Final = ("get", "head", "post", "put", "delete", "connect", "options", "trace", "patch")
Method: Final = _variant("Method", _METHODS)
"""WIT: `variant method`."""
Scheme: Final = _variant("Scheme", ("HTTP", "HTTPS"))
"""WIT: `variant scheme`."""
AnyMethod: TypeAlias = Case | Other
AnyScheme: TypeAlias = Case | Other

_BY_METHOD: Final[dict[str, AnyMethod]] = {name.upper(): getattr(Method, camel_case(name))() for name in _METHODS}
_BY_SCHEME: Final[dict[str, AnyScheme]] = {"http": Scheme.HTTP(), "https": Scheme.HTTPS()}


def from_method(method: str) -> AnyMethod:
    """A method as the WIT has it."""
    return _BY_METHOD.get(method) or Other(method)


def to_method(method: AnyMethod) -> str:
    """A method as it goes over the wire."""
    return method.value if isinstance(method, Other) else method.case.upper()


def from_scheme(scheme: str | None) -> AnyScheme | None:
    """A scheme as the WIT has it."""
    return None if scheme is None else _BY_SCHEME.get(scheme) or Other(scheme)


def to_scheme(scheme: AnyScheme | None) -> str | None:
    """A scheme as the core has it."""
    return None if scheme is None else scheme.value if isinstance(scheme, Other) else scheme.case.lower()


def seconds(duration_ns: int | None) -> float | None:
    """A time-out as the core has it."""
    return None if duration_ns is None else duration_ns / NS_PER_S


# ---- error-code


class Code(Case):
    """A case of `error-code` without a value."""


class CodeWithValue(Frozen):
    """A case of `error-code` with a value, which may be None where the WIT has an option."""

    case: ClassVar[str]
    value: Payload


AnyCode: TypeAlias = Code | CodeWithValue

_RECORDS: Final[dict[errors.ErrorCode, type[DnsErrorPayload | TlsAlertReceivedPayload | FieldSizePayload]]] = {
    errors.ErrorCode.DNS_ERROR: DnsErrorPayload,
    errors.ErrorCode.TLS_ALERT_RECEIVED: TlsAlertReceivedPayload,
    errors.ErrorCode.HTTP_REQUEST_HEADER_SIZE: FieldSizePayload,
    errors.ErrorCode.HTTP_REQUEST_TRAILER_SIZE: FieldSizePayload,
    errors.ErrorCode.HTTP_RESPONSE_HEADER_SIZE: FieldSizePayload,
    errors.ErrorCode.HTTP_RESPONSE_TRAILER_SIZE: FieldSizePayload,
}
"""The codes whose value is a record."""
_OPTIONS: Final = {
    errors.ErrorCode.HTTP_REQUEST_BODY_SIZE,
    errors.ErrorCode.HTTP_REQUEST_HEADER_SECTION_SIZE,
    errors.ErrorCode.HTTP_REQUEST_HEADER_SIZE,
    errors.ErrorCode.HTTP_REQUEST_TRAILER_SECTION_SIZE,
    errors.ErrorCode.HTTP_RESPONSE_HEADER_SECTION_SIZE,
    errors.ErrorCode.HTTP_RESPONSE_BODY_SIZE,
    errors.ErrorCode.HTTP_RESPONSE_TRAILER_SECTION_SIZE,
    errors.ErrorCode.HTTP_RESPONSE_TRANSFER_CODING,
    errors.ErrorCode.HTTP_RESPONSE_CONTENT_CODING,
    errors.ErrorCode.INTERNAL_ERROR,
}
"""Those whose value is an option."""


def _code_class(code: errors.ErrorCode) -> type:
    base = CodeWithValue if code in _RECORDS or code in _OPTIONS else Code
    return type(camel_case(code.value), (base,), {"case": code.value})


_CODES: Final[dict[errors.ErrorCode, Any]] = {code: _code_class(code) for code in errors.ErrorCode}
ErrorCode: Final = type("ErrorCode", (), {cls.__name__: cls for cls in _CODES.values()})
"""WIT: `variant error-code`, one class per case."""


def from_error(error: HttpError) -> AnyCode:
    """The `error-code` of a failure of HTTP."""
    code = error.code
    cls = _CODES[code]
    if not issubclass(cls, CodeWithValue):
        return cls()  # type: ignore[no-any-return]
    is_unknown = error.payload is None and code not in _OPTIONS
    return cls(_RECORDS[code]() if is_unknown else error.payload)  # type: ignore[no-any-return]


def wit_error(error: HttpError) -> WitError:
    """The exception of a provider method if HTTP failed."""
    return WitError(from_error(error))


def to_error(given: AnyCode) -> HttpError:
    """The error that a guest means by an `error-code`; that of an export is of generated classes."""
    code = errors.ErrorCode(given.case)
    value = getattr(given, "value", None)
    record = _RECORDS.get(code)
    if record is not None and value is not None:
        value = record(*(getattr(value, name) for name in record.__match_args__))
    return HttpError(code, value)


TYPES: Final[dict[str, type]] = {
    "DNS-error-payload": DnsErrorPayload,
    "TLS-alert-received-payload": TlsAlertReceivedPayload,
    "error-code": ErrorCode,
    "field-size-payload": FieldSizePayload,
    "method": Method,
    "scheme": Scheme,
}
"""The `wit_types` of all of these."""
