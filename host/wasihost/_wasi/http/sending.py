"""Where the requests of a guest go: past its policy, to an origin of the embedder or out on the network.

| refused by the policy | code |
|---|---|
| the request, or the lookup of its host's name | HTTP-request-denied |
| every address of the host | destination-IP-prohibited |

An origin that the embedder gave needs no rule, as a name in `host_names`; a rule that denies the request counts.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from wasihost._base.clock import Clock
from wasihost._http.connecting import Connect
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.messages import Handler, Request, Response
from wasihost._http.origins import Origins
from wasihost._http.quotas import QuotaHandler
from wasihost._http.targets import target_of
from wasihost._network import peers
from wasihost._network.base import Address, IpAddress, Network, Socket
from wasihost._network.names import Names, literal
from wasihost._network.quotas.metering import Budget
from wasihost._policy import PolicyContext, SocketAddressUse, Verdict
from wasihost._policy.asking import settled
from wasihost._wasi.failures import Failure
from wasihost._wasi.sockets.access import Access, Refused
from wasihost._wasi.sockets.lookup import Lookup

if TYPE_CHECKING:  # for guests that send something on the network
    import ssl

    from wasihost._http.client import Client

_GIVEN = Verdict(True, "the origin given")


class Sender:
    """Sends the requests of one guest that its policy and quotas allow: a `Handler`.

    `origins` are handlers of the embedder by authority, and `tls` verifies https servers. `network` is
    for its connections, by default that of the guest's sockets; `around` makes a handler around the sending one.
    """

    def __init__(
        self,
        access: Access,
        names: Names,
        *,
        clock: Clock | None = None,
        origins: Mapping[str, Handler] = MappingProxyType({}),
        tls: ssl.SSLContext | None = None,
        keeps_alive: bool = True,
        budget: Budget | None = None,
        network: Network | None = None,
        around: Callable[[Handler], Handler] | None = None,
    ) -> None:
        self._access = access
        connect = _Connect(network or access.network, access, Lookup(names, access))
        self._make_client = functools.partial(_client, connect, clock, tls, keeps_alive)
        self._client: Client | None = None
        self._origins = Origins(origins, self._send_on_the_network)
        sending: Handler = self._origins if around is None else around(self._origins)
        self._send = sending if budget is None else QuotaHandler(sending, budget)

    async def __call__(self, request: Request) -> Response:
        """The response. Errors: HttpError, and exceptions of the policy."""
        try:
            await self._ask(request)
        except HttpError as error:
            request.body.close(error)
            raise
        except BaseException:
            request.body.close(HttpError(ErrorCode.INTERNAL_ERROR))
            raise
        return await self._send(request)

    def _send_on_the_network(self, request: Request) -> Awaitable[Response]:
        if self._client is None:
            self._client = self._make_client()
        return self._client(request)

    async def _ask(self, request: Request) -> None:
        otherwise = _GIVEN if self._origins.find(target_of(request)) is not None else None
        verdict = await settled(self._access.ask_about_request(request, otherwise))
        if not verdict.allowed:
            raise HttpError(ErrorCode.HTTP_REQUEST_DENIED)

    def close(self) -> None:
        """Ends the requests under way on the network."""
        if self._client is not None:
            self._client.close()


def _client(connect: Connect, clock: Clock | None, tls: ssl.SSLContext | None, keeps_alive: bool) -> Client:
    from wasihost._http.client import Client  # which needs an extra

    return Client(connect, clock=clock, tls=tls, keeps_alive=keeps_alive)


class _Connect:
    """Connects for the requests of a guest, to addresses that its policy allows."""

    def __init__(self, network: Network, access: Access, lookup: Lookup) -> None:
        self._network = network
        self._access = access
        self._lookup = lookup

    async def __call__(self, request: Request) -> Socket:
        """A connected socket. Errors: HttpError, OSError, and exceptions of the policy."""
        target = target_of(request)
        context = self._access.context.of(request)
        failed: OSError | None = None
        for ip in await self._addresses(target.host, context):
            address = Address(ip, target.port)
            verdict = await settled(self._access.ask(address, SocketAddressUse.TCP_CONNECT, context))
            if verdict.allowed:
                try:
                    return await peers.connect(self._network, verdict.target or address)
                except OSError as error:
                    failed = failed or error
        raise failed or HttpError(ErrorCode.DESTINATION_IP_PROHIBITED)

    async def _addresses(self, host: str, context: PolicyContext) -> Sequence[IpAddress]:
        ip = literal(host)
        if ip is not None:
            return [ip]
        try:
            answer = self._lookup.resolve(host, context)
            return answer if isinstance(answer, Sequence) else await answer
        except Refused:
            raise HttpError(ErrorCode.HTTP_REQUEST_DENIED) from None
        except Failure as failure:
            if isinstance(failure.cause, OSError):
                raise failure.cause from None
            raise HttpError(ErrorCode.HTTP_REQUEST_URI_INVALID) from None
