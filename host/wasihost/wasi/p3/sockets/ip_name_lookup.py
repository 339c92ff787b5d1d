"""The provider of the interface `wasi:sockets/ip-name-lookup`.

Addresses written out, and names that the embedder's `hosts` have, are answered at once and to everybody; for all other
names the policy is asked, and then the resolver, unless the policy knows an address itself. What the guest is told is
noted in its `Access`, for the rules that allow the addresses of a name. A guest that cancels its call gets no answer; a
resolver that runs in a thread finishes there.

Where this differs from Wasmtime 50 (crates/wasi, p3), following the WIT: a refused name is `access-denied`, not
`permanent-resolver-failure`, and failures of the resolver are told apart.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import ClassVar

from wasihost.component.values import WitError
from wasihost.frozen import Frozen
from wasihost.network.base import IpAddress as NetworkAddress
from wasihost.network.names import Names, ascii_name, literal
from wasihost.policy.asking import settled
from wasihost.wasi.p3.sockets.addresses import AnyIpAddress, IpAddress, from_ip
from wasihost.wasi.sockets.access import Access


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


_NAMES: dict[Code, str] = {
    ErrorCode.NameUnresolvable(): "EAI_NONAME EAI_NODATA EAI_ADDRFAMILY",
    ErrorCode.TemporaryResolverFailure(): "EAI_AGAIN",
    ErrorCode.PermanentResolverFailure(): "EAI_FAIL",
}
_CODES: dict[int, Code] = {
    getattr(socket, name): code for code, names in _NAMES.items() for name in names.split() if hasattr(socket, name)
}


def error_code(error: OSError) -> Code:
    """The `error-code` that a resolver's failure means to the guest."""
    if isinstance(error, socket.gaierror) and error.errno in _CODES:
        return _CODES[error.errno]
    if isinstance(error, PermissionError):
        return ErrorCode.AccessDenied()
    return ErrorCode.Other(error.strerror or str(error) or None)


class IpNameLookup:
    """`wasi:sockets/ip-name-lookup`: what one guest may hear about names."""

    wit_types: ClassVar[dict[str, type]] = {"error-code": ErrorCode, "ip-address": IpAddress}

    def __init__(self, names: Names, access: Access) -> None:
        self._names = names
        self._access = access

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
        address = literal(name)
        if address is not None:
            return [from_ip(address)]
        try:
            host = ascii_name(name)
        except ValueError as error:
            raise WitError(ErrorCode.InvalidArgument()) from error
        found = self._names.known(host)
        if found:
            self._access.allow_name(host, "hosts")
            self._access.told.tell(host, found, from_hosts=True)
        else:
            found = await self._ask(host)
        return [from_ip(each) for each in found]

    async def _ask(self, name: str) -> Sequence[NetworkAddress]:
        verdict = await settled(self._access.ask_about_name(name))
        if not verdict.allowed:
            raise WitError(ErrorCode.AccessDenied())
        if verdict.target is not None:
            self._access.told.tell_target(name, verdict.target.ip)
            return [verdict.target.ip]
        try:
            found = await self._names.resolve(name)
        except OSError as error:
            raise WitError(error_code(error)) from error
        if not found:
            raise WitError(ErrorCode.NameUnresolvable())
        self._access.told.tell(name, found)
        return found
