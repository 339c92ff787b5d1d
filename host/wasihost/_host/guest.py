"""One guest's share of its host: a network behind a policy, names, files and streams; a recording notes it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from wasihost._base.errors import GuestExit, GuestTrap
from wasihost._base.streams import Unwritten
from wasihost._component.adapt import Component
from wasihost._component.instance import Instance
from wasihost._component.running.imports.kits import Kit, LateProviders
from wasihost._component.running.loop import event_loop
from wasihost._component.running.options import RunOptions
from wasihost._component.running.stats import Stats
from wasihost._component.values import WitError
from wasihost._host import native_wasip2
from wasihost._host.settings import Settings
from wasihost._network.base import Network
from wasihost._network.names import Names
from wasihost._wasi.cli import Stdio
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.random import Random
from wasihost._wasi.sockets.access import Access

if TYPE_CHECKING:  # for hosts that limit, record, or have HTTP
    from wasihost._host.recorded import RecordedGuest
    from wasihost._http.messages import Request, Response
    from wasihost._wasi.http.context import Http
    from wasihost._wasi.http.sending import Sender


class Guest:
    """One guest, which is the `WasiContext` of its providers; without `recorded` nothing notes it."""

    def __init__(self, settings: Settings, origin: str, recorded: RecordedGuest | None = None) -> None:
        self._settings = settings
        self._origin = origin
        self._recorded = recorded
        self._closing = contextlib.ExitStack()
        self.command = settings.command
        self.clock = settings.clock
        self.unwritten = Unwritten()

    @property
    def number(self) -> int:
        """Its number in a recording; 0: nothing records."""
        return 0 if self._recorded is None else self._recorded.recorder.guest

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

    def opening(
        self, component: Component, kit: Kit, stats: Stats, *, detect_deadlock: bool, is_one_run: bool
    ) -> contextlib.AbstractAsyncContextManager[Instance]:
        """Opens its instance of a component."""
        options = RunOptions(
            limits=self._settings.limits,
            detect_deadlock=detect_deadlock,
            stats=stats,
            on_call=None if self._recorded is None else self._recorded.on_call,
            is_one_run=is_one_run,
            total=self._settings.memory,
            unwritten=self.unwritten,
        )
        providers = LateProviders(kit, self)
        if component.native:
            return native_wasip2.Native(self.command, self.stdio).open(component, providers, options)
        return component.open(providers, options=options)

    def end(self, error: BaseException | None, stats: Stats) -> None:
        """Closes its parts of the host, and reports that it has ended with this error."""
        end = error
        try:
            if error is None or isinstance(error, GuestExit | WitError):
                self._finish()
        except BaseException as divergence:
            end = error or divergence
            raise
        finally:
            self._closing.close()
            if isinstance(end, GuestTrap | WitError) or (isinstance(end, GuestExit) and end.code):
                self.mounts.guest_failed()
            if self._recorded is not None:
                self._recorded.ended(end)
            if self._settings.on_stats is not None:
                self._settings.on_stats(stats)

    def _finish(self) -> None:
        """The guest has ended by itself. Errors: DivergenceError, if it was to do more."""
        self._settings.network.finish()
        for files in self._settings.files.values():
            files.finish()

    # ---- the `WasiContext`: each part is made when it is first wanted

    @cached_property
    def _network(self) -> Network:
        return self._settings.network_of_one() if self._recorded is None else self._recorded.network

    @cached_property
    def stdio(self) -> Stdio:
        recorded = self._recorded
        stdio = Stdio(self.command) if recorded is None else Stdio(self.command, recorded.on_stdout, recorded.on_stderr)
        if stdio.logs:
            self._closing.callback(stdio.close)
        return stdio

    @cached_property
    def random(self) -> Random:
        return Random(self._settings.effective_seed)

    @cached_property
    def names(self) -> Names:
        if self._recorded is not None:
            return self._recorded.names
        return Names(self._settings.resolver or self._network.resolve, self._settings.host_names)

    @cached_property
    def access(self) -> Access:
        settings = self._settings
        on_decision = settings.on_decision if self._recorded is None else self._recorded.on_decision
        access = Access(self._network, settings.policy, self._origin, on_decision)
        self._closing.callback(access.close)
        return access

    @cached_property
    def mounts(self) -> Mounts:
        seed = self._settings.effective_seed
        hash_key = os.urandom(16) if seed is None else str(seed).encode()[:64]
        around = None if self._recorded is None else self._recorded.files
        return Mounts(self._settings.files, hash_key, self.access, self._settings.quotas, around)

    @property
    def http(self) -> Http:
        from wasihost._wasi.http.context import Http  # not for guests without HTTP

        # Not kept: it refers to this guest, which would be cyclic garbage.
        return Http(self._settings.field_rules(), self._send)

    async def _send(self, request: Request) -> Response:
        """A guest that answers requests may send none, and makes no client then."""
        return await self._sender(request)

    @cached_property
    def _sender(self) -> Sender:
        from wasihost._network.quotas.metering import Budget
        from wasihost._wasi.http.sending import Sender

        settings = self._settings
        recorded = self._recorded
        sender = Sender(
            self.access,
            self.names if recorded is None else recorded.http_names,
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


class OpenGuest(contextlib.AbstractAsyncContextManager[Instance]):
    """An instance of a component, with a guest of its own, while entered."""

    def __init__(
        self,
        settings: Settings,
        component: Component,
        kit: Kit,
        *,
        detect_deadlock: bool = False,
        is_one_run: bool = False,
        exports: Callable[[Instance], Any] | None = None,
    ) -> None:
        self._settings = settings
        self._component = component
        self._kit = kit
        self._detect_deadlock = detect_deadlock
        self._is_one_run = is_one_run
        self._exports = exports

    @property
    def number(self) -> int:
        """That of its guest in a recording; 0: nothing records."""
        return self._guest.number

    async def __aenter__(self) -> Instance:
        event_loop.running()
        self._guest = Guest.starting(self._settings, self._component.origin)
        self._stats = Stats(in_full=self._settings.on_stats is not None)
        try:
            self._opening = self._guest.opening(
                self._component,
                self._kit,
                self._stats,
                detect_deadlock=self._detect_deadlock,
                is_one_run=self._is_one_run,
            )
            instance = await self._opening.__aenter__()
            if self._exports is not None:
                instance.use_exports(self._exports)
            return instance
        except BaseException as error:
            self._guest.end(error, self._stats)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        end = error
        try:
            await self._opening.__aexit__(kind, error, traceback)
        except BaseException as another:
            end = another
            raise
        finally:
            self._guest.end(end, self._stats)
