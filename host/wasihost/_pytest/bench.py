"""The bench of one test: an event loop, a network, a recording, and the guests that it makes.

Theory of operation. A test that is not async runs guests on the bench's event loop, which is one in virtual time unless
the network is the real one: real peers take real time. So does an async test that no other plugin runs. Where another
plugin runs the test, its event loop is that plugin's; guests and networks follow whichever loop runs. Everything is
made when it is first asked for, and closed by `close`.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from wasihost._base.errors import DeadlockError
from wasihost._component.running.loop import interrupts
from wasihost._host.host import Host
from wasihost._host.source import ComponentSource
from wasihost._network.base import Network
from wasihost._network.faults import FaultPlan, FaultyNetwork, RandomFaults
from wasihost._network.os import OsNetwork
from wasihost._network.virtual import VirtualNetwork
from wasihost._policy import allow_all, deny_all
from wasihost._pytest import leaks
from wasihost._pytest.clock import BenchClock
from wasihost._pytest.components import Components
from wasihost._pytest.files import GuestFiles
from wasihost._pytest.guest import Guest
from wasihost._pytest.trace import Trace
from wasihost._recording import Recording
from wasihost._testing.loop import virtual_loop
from wasihost._wasi.filesystem.faults import FaultyFiles
from wasihost._wasi.filesystem.nodes import FileSystem

T = TypeVar("T")
_TAIL_LINES = 20
_TAIL_CHARACTERS = 4000


class Bench:
    """All that belongs to one test.

    `folders`: where its components are looked for. `is_async`: its function is a coroutine function. `is_real`: on the
    operating system's network. `faults`: the faults of the guests' network.
    """

    def __init__(
        self,
        components: Components,
        folders: Sequence[Path],
        *,
        is_async: bool,
        is_real: bool,
        faults: FaultPlan | RandomFaults | None,
    ) -> None:
        self._components = components
        self._folders = folders
        self._is_real = is_real
        self._plan = faults
        self._runner: asyncio.Runner | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._planned: dict[str | None, FaultyNetwork] = {}  # by host
        self._faulty: list[FaultyNetwork | FaultyFiles] = []
        self._has_files = False
        self._guests: list[Guest] = []
        self._descriptors = leaks.internet_sockets() if is_real else set()
        # A test that is not async has no other event loop.
        self.clock = BenchClock(lambda: self._loop if is_async else self._own_runner().get_loop())
        self.trace = Trace(Recording())
        self.network: Network = OsNetwork() if is_real else VirtualNetwork(clock=self.clock)
        self.has_failed = False
        """Whether it ended with an exception: then leaks are not checked."""
        self._running: list[str] = []

    # ---- running

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of a coroutine function, run on the event loop of a test that is not async. Errors: TypeError."""
        __tracebackhide__ = True
        if _is_loop_running():
            raise TypeError("an event loop is running: await the coroutine, run() is for tests that are not async")
        runner = self._own_runner()
        task: asyncio.Task[T] | None = None

        async def run() -> T:
            nonlocal task
            task = asyncio.current_task()
            return await main()

        with interrupts.restoring():
            try:
                return runner.run(run())
            except DeadlockError:  # perhaps the loop's, which leaves the task as it is
                if task is not None and not task.done():
                    runner.run(_cancelled(task))
                raise

    def _own_runner(self) -> asyncio.Runner:
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=None if self._is_real else virtual_loop)
            self._loop = self._runner.get_loop()
        return self._runner

    def entered(self) -> None:
        """A guest runs on the loop that is running now."""
        self._loop = asyncio.get_running_loop()
        if self._has_files:
            self.files.begun()

    # ---- hosts and guests

    @functools.cached_property
    def files(self) -> GuestFiles:
        """The files of its guests, from now on."""
        self._has_files = True
        return GuestFiles(self.clock)

    @functools.cached_property
    def host(self) -> Host:
        """A host on the test's network."""
        return Host(**self._options(self._network_at(None, None)))

    def guest(
        self,
        component: ComponentSource,
        at: str | None,
        faults: FaultPlan | RandomFaults | None,
        options: dict[str, Any],
    ) -> Guest:
        """See `GuestLoader`."""
        network = self._network_at(at, faults)
        loaded = self._components.load(component, self._folders)
        guest = Guest(self, loaded, self._options(network) | options, network)
        self._guests.append(guest)
        return guest

    def _options(self, network: Network) -> dict[str, Any]:
        """The options of a host unless the test sets them."""
        return {
            "network": network,
            "policy": deny_all if self._is_real else allow_all,
            "clock": self.clock,
            "recording": self.trace.recording,
            "stdin": b"",
            **({"files": {"/": self._tree()}} if self._has_files else {}),
        }

    def _tree(self) -> FileSystem:
        """The files, on which things go wrong if that is planned."""
        if self._plan is None:
            return self.files
        faulty = FaultyFiles(self.files, self._plan, self.clock)
        self._faulty.append(faulty)
        return faulty

    def _network_at(self, at: str | None, faults: FaultPlan | RandomFaults | None) -> Network:
        network = self.network
        if at is not None:
            if not isinstance(network, VirtualNetwork):
                raise TypeError(f"at={at!r}: a host has a name only on a virtual network")
            network = network.host(at)
        if faults is not None:
            faulty = FaultyNetwork(network, faults, self.clock)
            self._faulty.append(faulty)
            return faulty
        if self._plan is None:
            return network
        if at not in self._planned:
            self._planned[at] = FaultyNetwork(network, self._plan, self.clock)
            self._faulty.append(self._planned[at])
        return self._planned[at]

    # ---- for a report

    def sections(self) -> list[tuple[str, str]]:
        """The report of a failing test, as titles and texts."""
        lines = self.trace.lines
        left_out = len(lines) - _TAIL_LINES
        if left_out > 0:
            lines = [f"... {left_out} more lines", *lines[-_TAIL_LINES:]]
        found = [("wasihost transcript", "\n".join(lines))]
        found += [(f"stderr of {guest.name}", _tail(guest.stderr)) for guest in self._guests]
        if self._has_files:
            found.append(("changes to wasi_files", str(self.files.changes)))
        found += [("wasihost faults", _injected(faulty)) for faulty in self._faulty]
        return [(title, text) for title, text in found if text]

    # ---- ending

    def checked(self, test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
        """An async test that looks at its end which of its guests are running: they end with another's event loop.

        Those of the test's fixtures, which began before it, may run on.
        """

        @functools.wraps(test)
        async def check(*arguments: Any, **options: Any) -> None:
            __tracebackhide__ = True
            begun = len(self.trace)
            await test(*arguments, **options)
            # Not in real time: the connections of a fixture may stay open.
            await leaks.settled(self._connections, leaks.VIRTUAL_S if self.clock.is_virtual else 0)
            self._running = leaks.guests(self.trace.events[begun:])

        return check

    def close(self) -> list[str]:
        """Ends the rest, and lists all that a test that went well should have ended itself."""
        left: list[str] = []
        if self._runner is None:
            left = self._look()
        else:
            if not self.has_failed:
                patience_s = leaks.VIRTUAL_S if self.clock.is_virtual else leaks.REAL_S
                left = self._runner.run(leaks.settled(self._look, patience_s))
            self._runner.close()
        return [] if self.has_failed else left

    def _look(self) -> list[str]:
        left = list(dict.fromkeys([*self._running, *leaks.guests(self.trace.events)]))
        left += self._connections()
        if self._is_real:
            left += leaks.sockets_since(self._descriptors)
        if self._runner is not None:
            left += leaks.tasks()  # on the loop of another plugin they would not be this test's alone
        return left

    def _connections(self) -> list[str]:
        return leaks.connections(self.network) if isinstance(self.network, VirtualNetwork) else []


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _tail(text: str) -> str:
    return text if len(text) <= _TAIL_CHARACTERS else f"...{text[-_TAIL_CHARACTERS:]}"


def _injected(faulty: FaultyNetwork | FaultyFiles) -> str:
    """The faults that struck, and those that were planned and did not."""
    unused = faulty.unused
    return f"{faulty}\nthese were planned and did not happen:\n{unused!r}" if unused else str(faulty)
