"""`wasi:sockets/ip-name-lookup`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeAlias

from wasihost._component.values import WitError
from wasihost._network.base import IpAddress
from wasihost._wasi.common.addresses import AnyIpAddress, from_ip
from wasihost._wasi.failures import Failure
from wasihost._wasi.p2.io.poll import Pollable, Subject
from wasihost._wasi.p2.sockets.errors import ErrorCode, wit_error
from wasihost._wasi.p2.sockets.network import TYPES, NetworkResource
from wasihost._wasi.sockets.access import Refused
from wasihost._wasi.sockets.lookup import Lookup


class ResolveAddressStream(Subject):
    """WIT: `resource resolve-address-stream`."""

    def __init__(self, found: Sequence[IpAddress] | Awaitable[Sequence[IpAddress]]) -> None:
        super().__init__()
        self._task = asyncio.ensure_future(found) if isinstance(found, Awaitable) else None
        self._found = None if isinstance(found, Awaitable) else found
        self._given = 0

    def resolve_next_address(self) -> AnyIpAddress | None:
        """WIT: `resolve-next-address: func() -> result<option<ip-address>, error-code>`.

        In the order of the resolver; none at the end.
        - `would-block`: the lookup is not over.
        - `name-unresolvable`: there is no such name, or it has no addresses (EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY).
        - `temporary-resolver-failure`: EAI_AGAIN.
        - `permanent-resolver-failure`: EAI_FAIL, or the policy does not let the guest hear of the name.
        """
        if not self._is_ready():
            raise WitError(ErrorCode.WOULD_BLOCK)
        if self._found is None:
            assert self._task is not None
            try:
                self._found = self._task.result()
            except (Failure, Refused) as error:
                raise _wit_error(error) from error
        if self._given == len(self._found):
            return None
        self._given += 1
        return from_ip(self._found[self._given - 1])

    def subscribe(self) -> Pollable:
        """WIT: `subscribe: func() -> pollable`; ready when the lookup is over."""
        return Pollable(self)

    def drop(self) -> None:
        """Gives the lookup up."""
        self._leave()
        if self._task is not None:
            self._task.cancel()

    # ---- below the WIT

    def _is_ready(self) -> bool:
        return self._task is None or self._task.done()

    def _watch(self) -> None:
        assert self._task is not None
        self._task.add_done_callback(lambda _: self._changed())


_ResolveAddressStream: TypeAlias = ResolveAddressStream  # a provider has an attribute of that name


class IpNameLookup:
    """Provider of wasi:sockets/ip-name-lookup."""

    ResolveAddressStream = ResolveAddressStream

    wit_types = TYPES

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def resolve_addresses(self, network: NetworkResource, name: str) -> _ResolveAddressStream:
        """WIT: `resolve-addresses: func(network: borrow<network>, name: string) -> result<resolve-address-stream, error-code>`.

        - `invalid-argument`: it is neither an address nor a host name, as the empty text, `host:80` or `1.2.3`.
        - `permanent-resolver-failure`: the policy does not let the guest hear of the name.
        """  # noqa: E501
        try:
            return ResolveAddressStream(self._lookup.resolve(name))
        except (Failure, Refused) as error:
            raise _wit_error(error) from error


def _wit_error(error: Failure | Refused) -> WitError:
    """0.2 has `access-denied` for sockets only."""
    if isinstance(error, Refused):
        return WitError(ErrorCode.PERMANENT_RESOLVER_FAILURE)
    return wit_error(error)
