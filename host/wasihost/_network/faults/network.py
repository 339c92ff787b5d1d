"""A network around another one on which things go wrong, by a plan or by chance: see `wasihost._network.faults.plan`.

    with FaultyNetwork(OsNetwork(), RandomFaults(seed=7)) as network:
        Host(network=network, policy=allow_all).run("guest.wasm")

An exception that leaves the `with` gets a note with the seed, and the plan that makes the same faults happen again.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Final

from wasihost._base.clock import Clock, RunningClock
from wasihost._network.base import DatagramSocket, Family, IpAddress, Network, Socket
from wasihost._network.faults.chance import RandomFaults
from wasihost._network.faults.injection import Injector
from wasihost._network.faults.plan import Fault, FaultPlan
from wasihost._network.faults.sockets import FaultyDatagramSocket, FaultySocket
from wasihost._network.wrapping import NetworkAround

__all__ = ["Fault", "FaultPlan", "FaultyNetwork", "RandomFaults"]


class FaultyNetwork(NetworkAround):
    """A network on which the faults of a plan happen, or random ones."""

    def __init__(self, inner: Network, plan: FaultPlan | RandomFaults, clock: Clock | None = None) -> None:
        super().__init__(inner)
        if not isinstance(plan, FaultPlan | RandomFaults):
            raise TypeError(f"plan: expected a FaultPlan or RandomFaults, got {plan!r}")
        self.plan: Final = plan
        self._injector = Injector(plan.begin(), clock or RunningClock())
        self._lookups = 0

    # ---- what happened

    @property
    def injected(self) -> FaultPlan:
        """The faults that struck up to now, each with its place: a plan that repeats them."""
        return self._injector.injected

    @property
    def unused(self) -> FaultPlan:
        """The faults of the plan that never struck."""
        planned = self.plan.faults if isinstance(self.plan, FaultPlan) else ()
        return FaultPlan(*(fault for fault in planned if fault not in self._injector.struck))

    def __str__(self) -> str:
        seed = f"seed {self.plan.seed}: " if isinstance(self.plan, RandomFaults) else ""
        injected = self.injected
        if not injected:
            return f"{seed}no faults were injected"
        summary = "1 fault was injected, and this plan repeats it"
        if len(injected) > 1:
            summary = f"{len(injected)} faults were injected, and this plan repeats them"
        return f"{seed}{summary}:\n{injected!r}"

    def __enter__(self) -> FaultyNetwork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(str(self))

    # ---- Network

    def tcp_socket(self, family: Family) -> Socket:
        number = self._new_number()
        return FaultySocket(self.inner.tcp_socket(family), self._injector, number)

    def udp_socket(self, family: Family) -> DatagramSocket:
        number = self._new_number()
        return FaultyDatagramSocket(self.inner.udp_socket(family), self._injector, number)

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        self._lookups += 1
        struck = self._injector.strike("resolve", None, self._lookups, [name.lower()])
        if struck.stall_ns:
            clock = self._injector.clock
            await clock.wait_until(clock.monotonic_ns() + struck.stall_ns)
        if struck.error is not None:
            raise struck.error
        return await self.inner.resolve(name)

    def _new_number(self) -> int:
        number = self._injector.next_number()
        struck = self._injector.strike("socket", number, 1, ())
        if struck.error is not None:
            raise struck.error
        return number
