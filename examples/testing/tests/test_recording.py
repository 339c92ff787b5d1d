"""A run that is recorded, and replayed with no network: a bug report that anybody can run."""

from __future__ import annotations

from pathlib import Path

import pytest

from wasihost import DivergenceError
from wasihost.pytest import GuestLoader, Trace
from wasihost.recording import Recording, ReplayNetwork

CLIENT = "guests/c-echo-client.wasm"


def test_a_run_can_be_replayed(wasi_guest: GuestLoader, wasi_trace: Trace, echo_server: str, tmp_path: Path) -> None:
    env = {"ADDRESS": echo_server, "BYTES": "5000"}
    wasi_guest(CLIENT, env=env).run()
    wasi_trace.save(tmp_path / "run.jsonl")

    recording = Recording.load(tmp_path / "run.jsonl")
    replayed = wasi_guest(CLIENT, env=env, network=ReplayNetwork(recording))
    replayed.run()
    assert replayed.stdout == "echoed 5000 bytes\n"


def test_a_guest_that_does_something_else_is_told_where(
    wasi_guest: GuestLoader, wasi_trace: Trace, echo_server: str
) -> None:
    wasi_guest(CLIENT, env={"ADDRESS": echo_server, "BYTES": "5000"}).run()
    other = {"ADDRESS": "10.0.0.8:7", "BYTES": "5000"}
    recording = Recording()
    recording.events.extend(wasi_trace.events)
    with pytest.raises(DivergenceError, match=r"10\.0\.0\.8:7"):
        wasi_guest(CLIENT, env=other, network=ReplayNetwork(recording)).run()
