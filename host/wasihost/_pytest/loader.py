"""The fixture `wasi_guest`."""

from __future__ import annotations

from typing import Any

from wasihost._host.source import ComponentSource
from wasihost._network.faults import FaultPlan, RandomFaults
from wasihost._pytest.bench import Bench
from wasihost._pytest.guest import Guest


class GuestLoader:
    """Makes guests for a test: the fixture `wasi_guest`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def __call__(
        self,
        component: ComponentSource,
        *,
        at: str | None = None,
        faults: FaultPlan | RandomFaults | None = None,
        **options: Any,
    ) -> Guest:
        """A guest that can be run.

        - `component`: a path, looked for beside the test's file and in the folders above it up to pytest's rootdir;
          or its bytes, or the result of `Host.load`.
        - `at`: the host of the virtual network that it is on, `guest` by default.
        - `faults`: the faults of its network, instead of those of the marker `wasi_faults`.
        - `options`: those of `Host`. On the virtual network everything is allowed by default, on the real one nothing.
          stdin is empty by default.

        Errors: FileNotFoundError, ComponentError, and TypeError for options that `Host` does not have.
        """
        return self._bench.guest(component, at, faults, options)
