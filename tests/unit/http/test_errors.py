"""What a failure of the network becomes: the table in `errors`, row by row."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from pathlib import Path

import pytest

from wasihost._http.errors import (
    DnsErrorPayload,
    ErrorCode,
    HttpError,
    Payload,
    TlsAlertReceivedPayload,
    connecting_failed,
)

WIT = Path(__file__).parents[3] / "wit"


def _tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


ALERT = ErrorCode.TLS_ALERT_RECEIVED
FAILURES: list[tuple[OSError, ErrorCode, Payload]] = [
    (socket.gaierror(socket.EAI_NONAME, ""), ErrorCode.DNS_ERROR, DnsErrorPayload("NXDOMAIN")),
    (socket.gaierror(socket.EAI_FAIL, ""), ErrorCode.DNS_ERROR, DnsErrorPayload("SERVFAIL")),
    (socket.gaierror(socket.EAI_AGAIN, ""), ErrorCode.DNS_TIMEOUT, None),
    (socket.gaierror(socket.EAI_FAMILY, ""), ErrorCode.DNS_ERROR, DnsErrorPayload()),
    (OSError(errno.ECONNREFUSED, ""), ErrorCode.CONNECTION_REFUSED, None),
    (OSError(errno.ECONNRESET, ""), ErrorCode.CONNECTION_REFUSED, None),
    (OSError(errno.ENETUNREACH, ""), ErrorCode.DESTINATION_IP_UNROUTABLE, None),
    (OSError(errno.EHOSTUNREACH, ""), ErrorCode.DESTINATION_IP_UNROUTABLE, None),
    (OSError(errno.EADDRNOTAVAIL, ""), ErrorCode.CONNECTION_LIMIT_REACHED, None),
    (OSError(errno.EMFILE, ""), ErrorCode.CONNECTION_LIMIT_REACHED, None),
    (OSError(errno.EACCES, ""), ErrorCode.DESTINATION_IP_PROHIBITED, None),
    (OSError(errno.ETIMEDOUT, ""), ErrorCode.CONNECTION_TIMEOUT, None),
    (OSError("of no number"), ErrorCode.DESTINATION_UNAVAILABLE, None),
    (ssl.SSLCertVerificationError(1, ""), ErrorCode.TLS_CERTIFICATE_ERROR, None),
    (_tls("SSLV3_ALERT_HANDSHAKE_FAILURE"), ALERT, TlsAlertReceivedPayload(40, "handshake_failure")),
    (_tls("TLSV1_ALERT_UNKNOWN_CA"), ALERT, TlsAlertReceivedPayload(48, "unknown_ca")),
    (_tls("TLSV1_UNRECOGNIZED_NAME"), ALERT, TlsAlertReceivedPayload(112, "unrecognized_name")),
    (_tls("TLSV13_ALERT_NEW"), ALERT, TlsAlertReceivedPayload(None, "new")),
    (_tls("WRONG_VERSION_NUMBER"), ErrorCode.TLS_PROTOCOL_ERROR, None),
    (_tls("UNEXPECTED_EOF_WHILE_READING"), ErrorCode.TLS_PROTOCOL_ERROR, None),
]


@pytest.mark.parametrize(("error", "code", "payload"), FAILURES, ids=[repr(error) for error, *_ in FAILURES])
def test_failures_of_connecting_have_their_code(error: OSError, code: ErrorCode, payload: Payload) -> None:
    failed = connecting_failed(error)
    assert (failed.code, failed.payload) == (code, payload)


@pytest.mark.parametrize("version", ["0.2", "0.3"])
def test_the_codes_are_the_cases_of_the_wit(version: str) -> None:
    text = (WIT / version / "deps" / "http.wit").read_text(encoding="utf-8")
    cases = text.split("variant error-code {")[1].split("}")[0]
    assert re.findall(r"^ +([\w-]+)[(,]", cases, re.MULTILINE) == [code.value for code in ErrorCode]


def test_an_error_names_its_code_and_what_is_known() -> None:
    assert str(HttpError(ErrorCode.HTTP_REQUEST_BODY_SIZE, 5)) == "HTTP-request-body-size: 5"
    assert str(HttpError(ErrorCode.LOOP_DETECTED)) == "loop-detected"
