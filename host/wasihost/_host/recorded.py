"""The part of a `Host` in a recording, for each of its instances."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from wasihost._base.errors import GuestExit
from wasihost._component.running.imports.providers import CallEnd
from wasihost._component.values import WitError
from wasihost._network.base import IpAddress, Network
from wasihost._network.names import Names, Resolver
from wasihost._network.wrapping import NetworkAround
from wasihost._policy import Decision
from wasihost._recording import Recorder, Recording, RecordingNetwork

if TYPE_CHECKING:
    from wasihost._http.messages import Handler
    from wasihost._wasi.filesystem.nodes import FileSystem


class RecordedGuest:
    """One guest, from its start: a network that records, and observers that note its actions."""

    def __init__(
        self,
        *,
        recording: Recording,
        origin: str,
        args: Sequence[str],
        seed: int | None,
        network: Network,
        resolver: Resolver | None,
        hosts: Mapping[str, Sequence[IpAddress]],
        on_decision: Callable[[Decision], None] | None,
    ) -> None:
        self.recorder = Recorder.started(recording, PurePath(origin).name, args, seed)
        if resolver is not None:
            network = _Resolving(network, resolver)
        self.network = RecordingNetwork(network, recording, guest=self.recorder.guest)
        self.names = Names(self.network.resolve, hosts)
        # The host's own connections for the guest's requests: a replay needs none, as it has the requests.
        self.http_network = RecordingNetwork(network, recording)
        self.http_names = Names(self.http_network.resolve, hosts)
        self.on_stdout = functools.partial(self.recorder.wrote, "stdout")
        self.on_stderr = functools.partial(self.recorder.wrote, "stderr")
        self._on_decision = on_decision

    def sending(self, handler: Handler) -> Handler:
        """A handler of the guest's requests, which records."""
        from wasihost._recording.http import RecordingHandler  # not for guests without HTTP

        return RecordingHandler(handler, self.recorder, "out")

    def files(self, name: str, tree: FileSystem) -> FileSystem:
        """A tree under the guest's name for it, which records."""
        from wasihost._host.recorded_files import RecordedFiles  # not for hosts without files

        return RecordedFiles(tree, name, self.recorder)

    def on_decision(self, decision: Decision) -> None:
        """Notes a decision of the policy, and calls the embedder."""
        self.recorder.decided(decision)
        if self._on_decision is not None:
            self._on_decision(decision)

    def on_call(self, path: str) -> CallEnd:
        """Notes that the guest calls a provider; returns a callable that notes the end of the call."""
        began_ns = self.recorder.recording.now_ns()
        return lambda error: self.recorder.called(path, began_ns, _code(error))

    def ended(self, error: BaseException | None) -> None:
        """Notes the end of the guest, with the error that ended it, if any."""
        if error is None or isinstance(error, GuestExit | WitError):
            code = 0 if error is None else error.code if isinstance(error, GuestExit) else 1
            self.recorder.ended(code, None)
        else:
            self.recorder.ended(None, f"{type(error).__name__}: {error}")


class _Resolving(NetworkAround):
    """A network whose names another resolver knows."""

    def __init__(self, inner: Network, resolver: Resolver) -> None:
        super().__init__(inner)
        self._names = Names(resolver)

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        return await self._names.resolve(name)


def _code(error: BaseException | None) -> str | None:
    if isinstance(error, WitError):
        value = getattr(error.value, "value", error.value)
        return str(getattr(error.value, "case", value))
    return None if error is None else type(error).__name__
