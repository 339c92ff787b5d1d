"""Faults of a network or of files, on demand: plans and chance, and the network on which they strike."""

from wasihost._network.faults.chance import RandomFaults
from wasihost._network.faults.fault import Fault
from wasihost._network.faults.network import FaultyNetwork
from wasihost._network.faults.plan import FaultPlan

__all__ = ["Fault", "FaultPlan", "FaultyNetwork", "RandomFaults"]
