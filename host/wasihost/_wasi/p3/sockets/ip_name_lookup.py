"""The provider of the interface `wasi:sockets/ip-name-lookup`.

Where this differs from Wasmtime 50 (crates/wasi, p3), following the WIT: a refused name is `access-denied`, not
`permanent-resolver-failure`, and failures of the resolver are distinguished.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable
from typing import ClassVar

from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError
from wasihost._wasi.common.addresses import AnyIpAddress, IpAddress, from_ip
from wasihost._wasi.common.errors import code_name
from wasihost._wasi.failures import Failure
from wasihost._wasi.sockets.access import Refused
from wasihost._wasi.sockets.lookup import Lookup


class Code(Frozen):
    """Any case of `error-code`."""

    case: ClassVar[str]


class ErrorCode:
    """WIT: `variant error-code`, one class per case."""

    class AccessDenied(Code):
        """A policy or the operating system does not allow it."""

        case = "access-denied"

    class InvalidArgument(Code):
        """It is neither a domain name nor an IP address."""

        case = "invalid-argument"

    class NameUnresolvable(Code):
        """There is no such name, or it has no addresses."""

        case = "name-unresolvable"

    class TemporaryResolverFailure(Code):
        """A failure that may pass."""

        case = "temporary-resolver-failure"

    class PermanentResolverFailure(Code):
        """A failure that will not pass."""

        case = "permanent-resolver-failure"

    class Other(Code):
        """Anything else, in the words of the resolver where there are any."""

        case = "other"
        value: str | None


_CODES: dict[str, Code] = {cls.case: cls() for cls in Code.__subclasses__() if cls is not ErrorCode.Other}


def error_code(error: OSError) -> Code:
    """The `error-code` that a resolver's failure means to the guest."""
    if isinstance(error, socket.gaierror) and (code := _CODES.get(code_name(error) or "")):
        return code
    if isinstance(error, PermissionError):
        return ErrorCode.AccessDenied()
    return ErrorCode.Other(error.strerror or str(error) or None)


def _wit_error(error: Failure | Refused) -> WitError:
    cause = error.cause if isinstance(error, Failure) else error
    return WitError(error_code(cause) if isinstance(cause, OSError) else ErrorCode.InvalidArgument())


class IpNameLookup:
    """`wasi:sockets/ip-name-lookup`: the lookups of one guest."""

    wit_types: ClassVar[dict[str, type]] = {"error-code": ErrorCode, "ip-address": IpAddress}

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def resolve_addresses(self, name: str) -> list[AnyIpAddress]:
        """WIT: `resolve-addresses: async func(name: string) -> result<list<ip-address>, error-code>`.

        `127.0.0.1`, `::1` and `[::1]` are themselves. Otherwise in the order of the resolver, each address once.
        - `invalid-argument`: it is neither an address nor a host name, as the empty text, `host:80` or `1.2.3`.
        - `access-denied`: the policy does not let the guest hear of the name (EACCES, EPERM).
        - `name-unresolvable`: there is no such name, or it has no addresses (EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY).
        - `temporary-resolver-failure`: EAI_AGAIN.
        - `permanent-resolver-failure`: EAI_FAIL.
        - `other`: any other failure, in its own words.
        """
        try:
            found = self._lookup.resolve(name)
            return [from_ip(each) for each in (await found if isinstance(found, Awaitable) else found)]
        except (Failure, Refused) as error:
            raise _wit_error(error) from error
