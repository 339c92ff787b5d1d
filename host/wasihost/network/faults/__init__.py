"""What goes wrong on a network, on demand: plans and chance, and the network on which they strike."""

from wasihost.network.faults.chance import RandomFaults
from wasihost.network.faults.network import FaultyNetwork
from wasihost.network.faults.plan import Fault, FaultPlan

__all__ = ["Fault", "FaultPlan", "FaultyNetwork", "RandomFaults"]
