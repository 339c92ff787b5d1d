"""The common base of networks and files with faults: the plan, and the faults that struck."""

from __future__ import annotations

from types import TracebackType
from typing import ClassVar, Final, TypeVar

from wasihost._base.clock import Clock, RunningClock
from wasihost._network.faults.chance import RandomFaults
from wasihost._network.faults.fault import Call, Fault
from wasihost._network.faults.injection import Injector
from wasihost._network.faults.plan import FaultPlan

F = TypeVar("F", bound="Faulty")


class Faulty:
    """Something on which the faults of a plan happen, or random ones.

    An exception that leaves its `with` gets a note with the seed, and the plan that makes the same faults happen again.
    """

    _calls: ClassVar[tuple[Call, ...]]
    """Those that are made here."""

    def __init__(self, plan: FaultPlan | RandomFaults, clock: Clock | None) -> None:
        if not isinstance(plan, FaultPlan | RandomFaults):
            raise TypeError(f"plan: expected a FaultPlan or RandomFaults, got {plan!r}")
        self.plan: Final = plan
        self._injector = Injector(plan.begin(), clock or RunningClock())

    @property
    def injected(self) -> FaultPlan:
        """The faults that struck up to now, each with its place: a plan that repeats them."""
        return self._injector.injected

    @property
    def unused(self) -> FaultPlan:
        """The faults of the plan that never struck."""
        planned = self.plan.faults if isinstance(self.plan, FaultPlan) else ()
        here = (fault for fault in planned if fault.on in self._calls)
        return FaultPlan(*(fault for fault in here if not self.has_struck(fault)))

    def has_struck(self, fault: Fault) -> bool:
        """Whether this fault of the plan has struck."""
        return fault in self._injector.struck

    def __str__(self) -> str:
        seed = f"seed {self.plan.seed}: " if isinstance(self.plan, RandomFaults) else ""
        injected = self.injected
        if not injected:
            return f"{seed}no faults were injected"
        summary = "1 fault was injected, and this plan repeats it"
        if len(injected) > 1:
            summary = f"{len(injected)} faults were injected, and this plan repeats them"
        return f"{seed}{summary}:\n{injected!r}"

    def __enter__(self: F) -> F:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(str(self))
