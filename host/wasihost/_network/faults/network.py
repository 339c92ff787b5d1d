"""A network around another one on which things go wrong, by a plan or by chance: see `wasihost._network.faults.fault`.

    with FaultyNetwork(OsNetwork(), RandomFaults(seed=7)) as network:
        Host(network=network, policy=allow_all).run("guest.wasm")

An exception that leaves the `with` gets a note with the seed, and the plan that makes the same faults happen again.
"""

from __future__ import annotations

from collections.abc import Sequence

from wasihost._base.clock import Clock
from wasihost._network.base import DatagramSocket, Family, IpAddress, Network, Socket
from wasihost._network.faults.chance import RandomFaults
from wasihost._network.faults.fault import NETWORK_CALLS, Fault
from wasihost._network.faults.faulty import Faulty
from wasihost._network.faults.plan import FaultPlan
from wasihost._network.faults.sockets import FaultyDatagramSocket, FaultySocket
from wasihost._network.wrapping import NetworkAround

__all__ = ["Fault", "FaultPlan", "FaultyNetwork", "RandomFaults"]


class FaultyNetwork(NetworkAround, Faulty):
    """A network on which the faults of a plan happen, or random ones."""

    _calls = NETWORK_CALLS

    def __init__(self, inner: Network, plan: FaultPlan | RandomFaults, clock: Clock | None = None) -> None:
        NetworkAround.__init__(self, inner)
        Faulty.__init__(self, plan, clock)
        self._lookups = 0

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
