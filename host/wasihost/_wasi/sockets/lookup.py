"""Which addresses of names one guest may hear.

Addresses written out, and names that the embedder's `hosts` have, are answered at once and to every guest; for all
other names the policy is asked, and then the resolver, unless the policy knows an address itself. The guest's answers
are noted in its `Access`, for the rules that allow the addresses of a name. A lookup that is cancelled gives no answer;
a resolver that runs in a thread finishes there.
"""

from __future__ import annotations

import socket
from collections.abc import Coroutine, Sequence
from typing import Any

from wasihost._network.base import IpAddress
from wasihost._network.names import Names, ascii_name, literal
from wasihost._policy import PolicyContext, Verdict
from wasihost._policy.asking import Question, settled
from wasihost._wasi.failures import Failure, Reason
from wasihost._wasi.sockets.access import Access, permitted


class Lookup:
    """The lookups of one guest. They fail with `Failure`, whose cause may be a gaierror, or `Refused` by the policy."""

    def __init__(self, names: Names, access: Access) -> None:
        self._names = names
        self._access = access

    def resolve(
        self, name: str, context: PolicyContext | None = None
    ) -> Sequence[IpAddress] | Coroutine[Any, Any, Sequence[IpAddress]]:
        """The addresses, at least one; a coroutine if the resolver is to be asked, or the policy takes time.

        `context` is that of a request for which the name is looked up.
        INVALID_ARGUMENT: it is neither an address nor a host name.
        """
        address = literal(name)
        if address is not None:
            return [address]
        try:
            host = ascii_name(name)
        except ValueError as error:
            raise Failure(Reason.INVALID_ARGUMENT) from error
        found = self._names.known(host)
        if not found:
            verdict = self._access.ask_about_name(host, context)
            return self._ask(host, permitted(verdict) if isinstance(verdict, Verdict) else verdict)
        self._access.allow_name(host, "host_names", context)
        self._access.known_names.add(host, found, from_hosts=True)
        return found

    async def _ask(self, name: str, verdict: Verdict | Question[Verdict]) -> Sequence[IpAddress]:
        target = permitted(await settled(verdict)).target
        if target is not None:
            self._access.known_names.add_target(name, target.ip)
            return [target.ip]
        try:
            found = await self._names.resolve(name)
        except OSError as error:
            raise Failure(error) from error
        if not found:
            raise Failure(socket.gaierror(socket.EAI_NONAME, "no addresses"))
        self._access.known_names.add(name, found)
        return found
