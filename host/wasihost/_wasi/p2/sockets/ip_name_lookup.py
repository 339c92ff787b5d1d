"""`wasi:sockets/ip-name-lookup`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar, TypeVarTuple

from wasihost._component.values import WitError
from wasihost._network.base import IpAddress
from wasihost._wasi.common.addresses import AnyIpAddress, from_ip
from wasihost._wasi.p2.io.poll import Pollable, Subject
from wasihost._wasi.p2.sockets.errors import ErrorCode, attempt
from wasihost._wasi.p2.sockets.network import TYPES, NetworkResource
from wasihost._wasi.p2.sockets.progress import Begun
from wasihost._wasi.sockets.lookup import Lookup

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class ResolveAddressStream(Subject):
    """WIT: `resource resolve-address-stream`."""

    def __init__(self, found: Sequence[IpAddress] | Awaitable[Sequence[IpAddress]]) -> None:
        super().__init__()
        self._found = Begun(found) if isinstance(found, Awaitable) else found
        self._given = 0

    def resolve_next_address(self) -> AnyIpAddress | None:
        """WIT: `resolve-next-address: func() -> result<option<ip-address>, error-code>`.

        In the order of the resolver; none at the end.
        - `would-block`: the lookup has not ended.
        - `name-unresolvable`: there is no such name, or it has no addresses (EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY).
        - `temporary-resolver-failure`: EAI_AGAIN.
        - `permanent-resolver-failure`: EAI_FAIL, or the policy does not let the guest hear of the name.

        After an error, that error again and again.
        """
        if isinstance(self._found, Begun):
            if not self._found.has_ended:
                raise WitError(ErrorCode.WOULD_BLOCK)
            self._found = _resolved(self._found.result)
        if self._given == len(self._found):
            return None
        self._given += 1
        return from_ip(self._found[self._given - 1])

    def subscribe(self) -> Pollable:
        """WIT: `subscribe: func() -> pollable`; ready when the lookup has ended."""
        return Pollable(self)

    def drop(self) -> None:
        """Gives the lookup up."""
        self._leave()
        if isinstance(self._found, Begun):
            self._found.cancel()

    # ---- below the WIT

    def _is_ready(self) -> bool:
        return not isinstance(self._found, Begun) or self._found.has_ended

    def _watch(self) -> None:
        assert isinstance(self._found, Begun)
        self._found.when_ended(self._changed)


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
        return ResolveAddressStream(_resolved(self._lookup.resolve, name))


def _resolved(call: Callable[[*Ts], T], *args: *Ts) -> T:
    """The result of a call of the core; its failure becomes an error-code, for lookups never `access-denied`."""
    try:
        return attempt(call, *args)
    except WitError as error:
        if error.value is ErrorCode.ACCESS_DENIED:
            raise WitError(ErrorCode.PERMANENT_RESOLVER_FAILURE) from error
        raise
