"""What one guest has of its host: a network behind a policy, names, files and streams; a recording notes it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Container, Iterator
from typing import TYPE_CHECKING

from wasihost._base.errors import GuestExit, GuestTrap
from wasihost._base.once import Once
from wasihost._base.streams import Unwritten
from wasihost._component.adapt import Component
from wasihost._component.instance import Instance
from wasihost._component.running.loop import event_loop
from wasihost._component.running.options import RunOptions
from wasihost._component.running.stats import Stats
from wasihost._component.values import WitError
from wasihost._host import native_wasip2
from wasihost._host.settings import Settings
from wasihost._network.base import Network
from wasihost._network.names import Names
from wasihost._wasi.cli import Stdio
from wasihost._wasi.context import WasiContext
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.random import Random
from wasihost._wasi.sockets.access import Access

if TYPE_CHECKING:  # for who limits, records, or has HTTP
    from wasihost._host.recorded import RecordedGuest
    from wasihost._http.messages import Request, Response
    from wasihost._wasi.http.context import Http
    from wasihost._wasi.http.sending import Sender

PACKAGES = ("wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http", "wasi:io", "wasi:random", "wasi:sockets")


class Guest:
    """One guest; without `recorded` nothing notes it."""

    def __init__(self, settings: Settings, origin: str, recorded: RecordedGuest | None = None) -> None:
        self._settings = settings
        self._origin = origin
        self._recorded = recorded
        self._seed = settings.effective_seed
        self._closing = contextlib.ExitStack()
        self._network = Once(self._make_network)
        self._sender = Once(self._make_sender)
        self._context = WasiContext(
            command=settings.command,
            stdio=Once(self._stdio),
            clock=settings.clock,
            random=Once(self._random),
            access=Once(self._access),
            names=Once(self._names),
            unwritten=Unwritten(),
            mounts=Once(self._mounts),
            http=Once(self._http),
            closing=self._closing,
        )

    @classmethod
    def starting(cls, settings: Settings, origin: str) -> Guest:
        """A guest that is about to run; a recording notes it from here on."""
        recording = settings.recording
        if recording is None:
            return cls(settings, origin)
        from wasihost._host.recorded import RecordedGuest

        recording.use_clock(settings.clock)
        recorded = RecordedGuest(
            recording=recording,
            origin=origin,
            args=settings.command.args,
            seed=settings.effective_seed,
            network=settings.network_of_one(),
            resolver=settings.resolver,
            hosts=settings.host_names,
            on_decision=settings.on_decision,
        )
        return cls(settings, origin, recorded)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, settings: Settings, component: Component, *, detect_deadlock: bool, is_one_run: bool
    ) -> AsyncIterator[Instance]:
        """An instance of a component, with a guest of its own."""
        event_loop.running()
        guest = cls.starting(settings, component.origin)
        recorded = guest._recorded
        stats = Stats(counts_calls=settings.on_stats is not None)
        options = RunOptions(
            limits=settings.limits,
            detect_deadlock=detect_deadlock,
            stats=stats,
            on_call=None if recorded is None else recorded.on_call,
            is_one_run=is_one_run,
            total=settings.memory,
            unwritten=guest._context.unwritten,
        )
        with guest._ending(stats):
            async with guest._instance(component, options) as instance:
                yield instance

    def _instance(self, component: Component, options: RunOptions) -> contextlib.AbstractAsyncContextManager[Instance]:
        providers = self.providers_for(component)
        if component.native:
            native = native_wasip2.Native(self._settings.command, self._context.stdio())
            return native.open(component, providers, options)
        return component.open(providers, options=options)

    @contextlib.contextmanager
    def _ending(self, stats: Stats) -> Iterator[None]:
        """Closes what the guest had of the host, and reports its end."""
        settings = self._settings
        end: BaseException | None = None
        try:
            yield
            self._finish()
        except (GuestExit, WitError) as error:
            end = error
            self._finish()
            raise
        except BaseException as error:
            end = error
            raise
        finally:
            self._closing.close()
            if isinstance(end, GuestTrap | WitError) or (isinstance(end, GuestExit) and end.code):
                self._context.mounts().guest_failed()
            if self._recorded is not None:
                self._recorded.ended(end)
            if settings.on_stats is not None:
                settings.on_stats(stats)

    def _finish(self) -> None:
        """The guest has ended by itself. Errors: DivergenceError, if it was to do more."""
        self._settings.network.finish()
        for files in self._settings.files.values():
            files.finish()

    # ---- its providers

    def providers_for(self, component: Component) -> dict[str, object]:
        """Those that a component can use: the others take time, also to import."""
        # Also with "native": for a component that another Host loaded for Python.
        of_wasip2 = self._settings.wasip2 is not None and any(map(native_wasip2.provides, component.imports))
        return self._providers(component.packages, of_wasip2=of_wasip2)

    def all_providers(self) -> dict[str, object]:
        """The providers for any component."""
        return self._providers(PACKAGES, of_wasip2=self._settings.wasip2 is not None)

    def _providers(self, packages: Container[str], *, of_wasip2: bool) -> dict[str, object]:
        from wasihost._wasi import p2, p3

        context = self._context
        own = self._settings.providers
        wasi = p3.providers(context, packages)
        if "wasi:http" in packages:
            from wasihost._wasi.p3 import http as p3_http

            wasi |= p3_http.providers(context.http())
        if "wasi:http" in packages and of_wasip2 and self._settings.wasip2 != "native":  # its streams must be ours
            from wasihost._wasi.p2 import http as p2_http

            wasi |= p2_http.providers(context.http())
        if of_wasip2:
            wasi |= p2.providers(context, packages)
        if own:
            from wasihost._component.running.imports.providers import Providers

            found = Providers(own)
            wasi = {name: each for name, each in wasi.items() if found.find(name) is None}
        return wasi | own

    # ---- what they use, each made when it is first wanted

    def _make_network(self) -> Network:
        return self._settings.network_of_one() if self._recorded is None else self._recorded.network

    def _stdio(self) -> Stdio:
        recorded = self._recorded
        if recorded is None:
            return Stdio(self._settings.command)
        return Stdio(self._settings.command, recorded.on_stdout, recorded.on_stderr)

    def _random(self) -> Random:
        return Random(self._seed)

    def _names(self) -> Names:
        if self._recorded is not None:
            return self._recorded.names
        return Names(self._settings.resolver or self._network().resolve, self._settings.host_names)

    def _access(self) -> Access:
        settings = self._settings
        on_decision = settings.on_decision if self._recorded is None else self._recorded.on_decision
        access = Access(self._network(), settings.policy, self._origin, on_decision)
        self._closing.callback(access.close)
        return access

    def _mounts(self) -> Mounts:
        hash_key = os.urandom(16) if self._seed is None else str(self._seed).encode()[:64]
        around = None if self._recorded is None else self._recorded.files
        return Mounts(self._settings.files, hash_key, self._context.access(), self._settings.quotas, around)

    def _http(self) -> Http:
        from wasihost._wasi.http.context import Http  # not for guests without HTTP

        return Http(self._settings.field_rules(), self._send)

    async def _send(self, request: Request) -> Response:
        """A guest that answers requests may send none, and makes no client then."""
        return await self._sender()(request)

    def _make_sender(self) -> Sender:
        from wasihost._network.quotas.metering import Budget
        from wasihost._wasi.http.sending import Sender

        settings = self._settings
        recorded = self._recorded
        sender = Sender(
            self._context.access(),
            self._context.names() if recorded is None else recorded.http_names,
            clock=settings.clock,
            origins=settings.origins,
            tls=settings.tls,
            keeps_alive=settings.http_keep_alive,
            budget=None if settings.quotas is None else Budget(settings.quotas, settings.clock),
            network=None if recorded is None else recorded.http_network,
            around=None if recorded is None else recorded.sending,
        )
        self._closing.callback(sender.close)
        return sender
