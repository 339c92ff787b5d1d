"""The settings that a `Host` gives each of its guests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from wasihost._base.clock import Clock, own_time
from wasihost._base.frozen import Frozen
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._component.running.memory import Account
from wasihost._component.running.stats import Stats
from wasihost._host.loading import Wasip2
from wasihost._network.base import IpAddress, Network
from wasihost._network.names import Resolver
from wasihost._network.os import OsNetwork
from wasihost._policy import Decision, Policy, deny_all
from wasihost._wasi.cli import Command, InputTarget, OutputTarget

if TYPE_CHECKING:  # for hosts that limit, record, or have HTTP
    import ssl

    from wasihost._http.messages import Handler
    from wasihost._network.quotas import Quotas
    from wasihost._recording import Recording
    from wasihost._wasi.filesystem.nodes import FileSystem
    from wasihost._wasi.http.fields import FieldRules


class Given(TypedDict, total=False):
    """The inputs and outputs of one request of a pool, in place of the host's; `providers` are added to the host's."""

    env: Mapping[str, str]
    stdin: InputTarget
    stdout: OutputTarget
    stderr: OutputTarget
    providers: Mapping[str, object]


class Settings(Frozen):
    """As `Host` has them; `memory` is the use of all guests together."""

    policy: Policy
    on_decision: Callable[[Decision], None] | None
    network: Network
    quotas: Quotas | None
    host_names: Mapping[str, Sequence[IpAddress]]
    resolver: Resolver | None
    origins: Mapping[str, Handler]
    tls: ssl.SSLContext | None
    http_keep_alive: bool
    forbidden_headers: frozenset[str] | None
    files: Mapping[str, FileSystem]
    command: Command
    clock: Clock
    seed: int | None
    providers: dict[str, object]
    on_stats: Callable[[Stats], None] | None
    recording: Recording | None
    wasip2: Wasip2 | None
    limits: Limits
    memory: Account

    def given(self, given: Given) -> Settings:
        """These settings for a guest with other inputs and outputs. Errors: TypeError."""
        if not given:
            return self
        from wasihost._host import arguments

        arguments.check(**given)
        command: dict[str, Any] = dict(given)
        providers = command.pop("providers", None)
        return self._with(
            command=self.command._with(**command),
            providers=self.providers if providers is None else {**self.providers, **providers},
        )

    def described(self) -> str:
        """The settings that differ from the defaults, in a line, without secrets: arguments and values of variables."""
        found = {
            "policy": self.policy if self.policy is not deny_all else None,
            "network": self.network if type(self.network) is not OsNetwork else None,
            "files": list(self.files),
            "env": list(self.command.env),
            "http": list(self.origins),
            "providers": list(self.providers),
            "limits": self.limits if self.limits != DEFAULTS else None,
            "quotas": self.quotas,
        }
        return ", ".join(f"{name}={value!r}" for name, value in found.items() if value)

    @property
    def effective_seed(self) -> int | None:
        """The seed of this host, or else of the virtual loop that runs."""
        own = own_time()
        return own.seed if self.seed is None and own is not None else self.seed

    def field_rules(self) -> FieldRules:
        """The rules for headers of HTTP."""
        from wasihost._wasi.http.fields import FieldRules  # not for guests without HTTP

        return FieldRules() if self.forbidden_headers is None else FieldRules(self.forbidden_headers)

    def network_of_one(self) -> Network:
        """The network of one instance."""
        if self.quotas is None:
            return self.network.for_guest()
        from wasihost._network.quotas import QuotaNetwork  # not for hosts without quotas

        sockets = self.quotas.sockets
        # One more than the quotas allow: a connection that comes in beyond them is accepted, to be reset.
        network = self.network.for_guest(None if sockets is None else sockets + 1)
        return QuotaNetwork(network, self.quotas, self.clock)
