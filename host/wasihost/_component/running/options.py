"""How an instance runs: what it may use, and what is counted and observed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasihost._base.frozen import Frozen
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._base.streams import Unwritten
from wasihost._component.running.stats import Stats

if TYPE_CHECKING:
    from wasihost._component.running.imports.providers import CallEnd, CallObserver
    from wasihost._component.running.memory import Account


class RunOptions(Frozen):
    """How an instance runs, for `Component.open`.

    - `limits`: what it may use of the host.
    - `detect_deadlock`: no call will come while another one waits, so a guest that can never go on is a DeadlockError.
    - `stats`: gets the figures of the run.
    - `on_call`: called with the path of every call of a provider as it begins; returns what is called with its end, or
      None.
    - `is_one_run`: `limits.run_time_s` is that of all calls together, and not of each.
    - `total`: counts the memories of several instances.
    - `unwritten`: what the providers have yet to write at the end.
    """

    limits: Limits = DEFAULTS
    detect_deadlock: bool = False
    stats: Stats | None = None
    on_call: CallObserver | None = None
    is_one_run: bool = False
    total: Account | None = None
    unwritten: Unwritten | None = None

    @property
    def observer(self) -> CallObserver | None:
        """Counts the calls and reports them, if there is a listener: every call pays for it."""
        counted = None if self.stats is None else self.stats.calls
        if counted is None:
            return self.on_call

        def observe(path: str) -> CallEnd | None:
            counted[path] += 1
            return None if self.on_call is None else self.on_call(path)

        return observe
