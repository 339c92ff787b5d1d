"""Which `error-code` the failure of a core is, by its name in the WIT: 0.2 and 0.3 have mostly the same.

The table follows the "POSIX equivalent" lines of both, and where a function's own list says more (EISCONN and ENOTCONN
are `invalid-state`), that list.
"""

from __future__ import annotations

import errno
import socket

from wasihost._base.errnos import by_number
from wasihost._wasi.failures import Cause, Reason

_REASONS = {
    Reason.INVALID_ARGUMENT: "invalid-argument",
    Reason.INVALID_STATE: "invalid-state",
    Reason.NOT_SUPPORTED: "not-supported",
}
_ERRNOS = {
    "access-denied": "EACCES EPERM",
    "not-supported": "EOPNOTSUPP ENOPROTOOPT EPFNOSUPPORT EPROTONOSUPPORT EPROTOTYPE ESOCKTNOSUPPORT",
    "invalid-argument": "EINVAL EDESTADDRREQ EAFNOSUPPORT",
    "out-of-memory": "ENOMEM ENOBUFS",
    "timeout": "ETIMEDOUT",
    "invalid-state": "EISCONN ENOTCONN EALREADY",
    "new-socket-limit": "EMFILE ENFILE",
    "address-not-bindable": "EADDRNOTAVAIL",
    "address-in-use": "EADDRINUSE",
    "remote-unreachable": "EHOSTUNREACH EHOSTDOWN ENETDOWN ENETRESET ENETUNREACH ENONET",
    "connection-refused": "ECONNREFUSED",
    "connection-broken": "EPIPE",
    "connection-reset": "ECONNRESET",
    "connection-aborted": "ECONNABORTED",
    "datagram-too-large": "EMSGSIZE",
}
_RESOLVER_ERRORS = {
    "name-unresolvable": "EAI_NONAME EAI_NODATA EAI_ADDRFAMILY",
    "temporary-resolver-failure": "EAI_AGAIN",
    "permanent-resolver-failure": "EAI_FAIL",
    "out-of-memory": "EAI_MEMORY",
}


_BY_ERRNO = by_number(_ERRNOS, errno)
_BY_RESOLVER_ERROR = by_number(_RESOLVER_ERRORS, socket)


def code_name(cause: Cause) -> str | None:
    """The name of the `error-code`; None if the WIT has none for it, or only in the other version."""
    if isinstance(cause, Reason):
        return _REASONS[cause]
    numbers = _BY_RESOLVER_ERROR if isinstance(cause, socket.gaierror) else _BY_ERRNO
    return numbers.get(cause.errno or 0)
