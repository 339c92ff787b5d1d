"""Connections to where a guest's requests go: its policy is asked about each name and address, as for its sockets."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Request
from wasihost._http.targets import target_of
from wasihost._network import peers
from wasihost._network.base import Address, IpAddress, Socket
from wasihost._policy import SocketAddressUse
from wasihost._policy.asking import settled
from wasihost._wasi.failures import Failure, Reason
from wasihost._wasi.sockets.access import Access, Refused, permitted
from wasihost._wasi.sockets.lookup import Lookup


class GuardedConnect:
    """Connects for one guest: a `Connect`."""

    def __init__(self, access: Access, lookup: Lookup) -> None:
        self._access = access
        self._lookup = lookup

    async def __call__(self, request: Request) -> Socket:
        """A socket connected to the first address of the host that the policy allows and that can be reached.

        Errors: HTTP-request-denied for a name that the policy refuses; OSError, EACCES for an address that it refuses.
        """
        target = target_of(request)
        failed: OSError | None = None
        for ip in await self._resolved(target.host):
            try:
                return await self._connected(Address(ip, target.port))
            except OSError as error:
                failed = failed or error
        raise failed or HttpError(ErrorCode.DESTINATION_NOT_FOUND)

    async def _resolved(self, host: str) -> Sequence[IpAddress]:
        try:
            found = self._lookup.resolve(host)
            return await found if inspect.isawaitable(found) else found
        except Refused as error:
            raise HttpError(ErrorCode.HTTP_REQUEST_DENIED) from error
        except Failure as error:
            if isinstance(error.cause, Reason):
                raise HttpError(ErrorCode.HTTP_REQUEST_URI_INVALID) from error
            raise error.cause from None

    async def _connected(self, address: Address) -> Socket:
        verdict = permitted(await settled(self._access.ask(address, SocketAddressUse.TCP_CONNECT)))
        return await peers.connect(self._access.network, verdict.target or address)
