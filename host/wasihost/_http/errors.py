"""Failures of HTTP: the codes of `error-code` in wasi:http, which has them from RFC 9209, and the code of each failure.

| failure | code |
|---|---|
| there is no such name | DNS-error(NXDOMAIN) |
| the resolver fails, now or for good | DNS-timeout, DNS-error(SERVFAIL) |
| refused, or reset while connecting | connection-refused |
| no route, or no such family of addresses | destination-IP-unroutable |
| no port, descriptor or memory is left, or a quota is reached | connection-limit-reached |
| a policy forbids the address | destination-IP-prohibited |
| the operating system gives up connecting | connection-timeout |
| a certificate that is not trusted, or is another's | TLS-certificate-error |
| an alert of the peer | TLS-alert-received |
| whatever else fails in TLS, also an end within the handshake | TLS-protocol-error |

The code of an established connection's failure depends on how far the message is, see `client` and `server`.
"""

from __future__ import annotations

import enum
import errno
import re
import socket
import ssl
from typing import TypeAlias

from wasihost._base.errnos import by_number
from wasihost._base.frozen import Frozen


class ErrorCode(enum.Enum):
    """The cases of `error-code`, with their names in the WIT."""

    DNS_TIMEOUT = "DNS-timeout"
    DNS_ERROR = "DNS-error"
    DESTINATION_NOT_FOUND = "destination-not-found"
    DESTINATION_UNAVAILABLE = "destination-unavailable"
    DESTINATION_IP_PROHIBITED = "destination-IP-prohibited"
    DESTINATION_IP_UNROUTABLE = "destination-IP-unroutable"
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_TERMINATED = "connection-terminated"
    CONNECTION_TIMEOUT = "connection-timeout"
    CONNECTION_READ_TIMEOUT = "connection-read-timeout"
    CONNECTION_WRITE_TIMEOUT = "connection-write-timeout"
    CONNECTION_LIMIT_REACHED = "connection-limit-reached"
    TLS_PROTOCOL_ERROR = "TLS-protocol-error"
    TLS_CERTIFICATE_ERROR = "TLS-certificate-error"
    TLS_ALERT_RECEIVED = "TLS-alert-received"
    HTTP_REQUEST_DENIED = "HTTP-request-denied"
    HTTP_REQUEST_LENGTH_REQUIRED = "HTTP-request-length-required"
    HTTP_REQUEST_BODY_SIZE = "HTTP-request-body-size"
    HTTP_REQUEST_METHOD_INVALID = "HTTP-request-method-invalid"
    HTTP_REQUEST_URI_INVALID = "HTTP-request-URI-invalid"
    HTTP_REQUEST_URI_TOO_LONG = "HTTP-request-URI-too-long"
    HTTP_REQUEST_HEADER_SECTION_SIZE = "HTTP-request-header-section-size"
    HTTP_REQUEST_HEADER_SIZE = "HTTP-request-header-size"
    HTTP_REQUEST_TRAILER_SECTION_SIZE = "HTTP-request-trailer-section-size"
    HTTP_REQUEST_TRAILER_SIZE = "HTTP-request-trailer-size"
    HTTP_RESPONSE_INCOMPLETE = "HTTP-response-incomplete"
    HTTP_RESPONSE_HEADER_SECTION_SIZE = "HTTP-response-header-section-size"
    HTTP_RESPONSE_HEADER_SIZE = "HTTP-response-header-size"
    HTTP_RESPONSE_BODY_SIZE = "HTTP-response-body-size"
    HTTP_RESPONSE_TRAILER_SECTION_SIZE = "HTTP-response-trailer-section-size"
    HTTP_RESPONSE_TRAILER_SIZE = "HTTP-response-trailer-size"
    HTTP_RESPONSE_TRANSFER_CODING = "HTTP-response-transfer-coding"
    HTTP_RESPONSE_CONTENT_CODING = "HTTP-response-content-coding"
    HTTP_RESPONSE_TIMEOUT = "HTTP-response-timeout"
    HTTP_UPGRADE_FAILED = "HTTP-upgrade-failed"
    HTTP_PROTOCOL_ERROR = "HTTP-protocol-error"
    LOOP_DETECTED = "loop-detected"
    CONFIGURATION_ERROR = "configuration-error"
    INTERNAL_ERROR = "internal-error"


class DnsErrorPayload(Frozen):
    """The details of a DNS-error."""

    rcode: str | None
    info_code: int | None

    def __init__(self, rcode: str | None = None, info_code: int | None = None) -> None:
        self.__dict__.update(rcode=rcode, info_code=info_code)


class TlsAlertReceivedPayload(Frozen):
    """The alert of a TLS-alert-received."""

    alert_id: int | None
    alert_message: str | None

    def __init__(self, alert_id: int | None = None, alert_message: str | None = None) -> None:
        self.__dict__.update(alert_id=alert_id, alert_message=alert_message)


class FieldSizePayload(Frozen):
    """The field that is too large."""

    field_name: str | None
    field_size: int | None

    def __init__(self, field_name: str | None = None, field_size: int | None = None) -> None:
        self.__dict__.update(field_name=field_name, field_size=field_size)


Payload: TypeAlias = DnsErrorPayload | TlsAlertReceivedPayload | FieldSizePayload | int | str | None
"""The payload of the code in the WIT: one of the records, a size in bytes, or a text; None if nothing is known."""


class HttpError(Exception):
    """There is no response, or a message broke off; `code` and `payload` are those of the WIT."""

    def __init__(self, code: ErrorCode, payload: Payload = None) -> None:
        super().__init__(code, payload)
        self.code = code
        self.payload = payload

    def __str__(self) -> str:
        return self.code.value if self.payload is None else f"{self.code.value}: {self.payload}"


def explained(error: HttpError) -> str:
    """The error and its cause, such as the trap of a guest: for a log, and not for the other side."""
    return str(error) if error.__cause__ is None else f"{error}: {error.__cause__}"


_BY_RESOLVER_ERROR = by_number(
    {
        (ErrorCode.DNS_ERROR, DnsErrorPayload("NXDOMAIN")): "EAI_NONAME EAI_NODATA EAI_ADDRFAMILY",
        (ErrorCode.DNS_ERROR, DnsErrorPayload("SERVFAIL")): "EAI_FAIL",
        (ErrorCode.DNS_TIMEOUT, None): "EAI_AGAIN",
    },
    socket,
)
_BY_ERRNO = by_number(
    {
        ErrorCode.CONNECTION_REFUSED: "ECONNREFUSED ECONNRESET ECONNABORTED",
        ErrorCode.CONNECTION_TIMEOUT: "ETIMEDOUT",
        ErrorCode.CONNECTION_LIMIT_REACHED: "EADDRNOTAVAIL EADDRINUSE EMFILE ENFILE ENOBUFS ENOMEM",
        ErrorCode.DESTINATION_IP_PROHIBITED: "EACCES EPERM",
        ErrorCode.DESTINATION_IP_UNROUTABLE: "EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN EAFNOSUPPORT",
    },
    errno,
)


def connecting_failed(error: OSError) -> HttpError:
    """The error of a lookup, a connection or a TLS handshake, see the table above."""
    if isinstance(error, ssl.SSLError):
        return _tls_failed(error)
    if isinstance(error, socket.gaierror):
        unknown = (ErrorCode.DNS_ERROR, DnsErrorPayload())
        return HttpError(*_BY_RESOLVER_ERROR.get(error.errno or 0, unknown))
    return HttpError(_BY_ERRNO.get(error.errno or 0, ErrorCode.DESTINATION_UNAVAILABLE))


def _tls_failed(error: ssl.SSLError) -> HttpError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return HttpError(ErrorCode.TLS_CERTIFICATE_ERROR)
    alert = re.fullmatch("(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(.+)", error.reason or "")
    if alert is None:
        return HttpError(ErrorCode.TLS_PROTOCOL_ERROR)
    number = ssl.AlertDescription.__members__.get(f"ALERT_DESCRIPTION_{alert[1]}")
    return HttpError(ErrorCode.TLS_ALERT_RECEIVED, TlsAlertReceivedPayload(number, alert[1].lower()))
