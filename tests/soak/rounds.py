"""What the rounds of a soak are: every fixture in random order, each time with other weather.

A seed gives the same rounds in the same order: what the guest is told, on which network it is, which faults strike,
which limit is low, and after how many passes of the event loop it is cancelled.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.guests.harness import PREBUILT, rust_cases
from tests.guests.world import WORLDS
from tests.soak.calls import EXPORTS
from wasihost._network.faults import RandomFaults

_OTHERS = {"c-http", "c-p2-http", "rust-cloud", "rust-grpc", "rust-http-gate", "rust-notes"}
"""They need a server or providers that rounds do not have."""
NAMES = sorted({path.stem for path in PREBUILT.glob("*.wasm")} - _OTHERS)
Env = Mapping[str, str]

# What fixtures are told, one of these, beside where the echo server is. Lists of cases are told one of them.
ENVIRONMENTS: dict[str, list[Env]] = {
    "rust-bin-p3": [{}],
    "rust-http": [{}],
    "rust-p2-http": [{}],
    "rust-report": [{}],
    "rust-shown": [{}],
    "rust-tcp-client": [
        {"MODE": "echo", "BYTES": "100000", "CONNECTIONS": "3", "VERIFY": "1"},
        {"MODE": "send", "BYTES": "100000"},
        {"MODE": "pingpong", "ROUNDS": "20", "CHUNK": "100"},
        {"MODE": "connect", "CONNECTIONS": "5", "ROUNDS": "2"},
    ],
    "rust-tcp-load": [
        {"MODE": mode, "CONNECTIONS": "10", "ROUNDS": "5", "BYTES": "50000"} for mode in ("idle", "busy")
    ],
    "rust-everything": [{"MS": "50", "NAME": "db", "NAME_IS": "10.0.0.1"}],
    "rust-cat": [{"MODE": mode} for mode in ("copy", "discard", "produce", "splice")],
    # not stdout-fails, which writes until it does
    "rust-cli": [
        {"CASE": case} for case in ("all", "exit-err", "exit-with-code", "return-err", "lines", "read-a-little")
    ],
    "rust-echo-server": [{"CONNECTIONS": "2"}, {"CONNECTIONS": "2", "SPLICE": "1"}],
    "rust-udp-echo": [{"MESSAGES": "2"}],
    "rust-resolve": [{}, {"CASE": "print", "NAME": "localhost"}],
    "rust-std-p2": [{"CASE": case} for case in ("environment", "copy", "exit")],
    # not those that write or wait until they are ended
    "rust-p2-io": [
        {"CASE": case} for case in rust_cases("rust-p2-io") if case not in ("closed-stdout", "sleep-forever")
    ],
    "rust-p2-net": [{"CASE": case} for case in rust_cases("rust-p2-net") if case != "receive"],
    "c-tcp-client": [{"MODE": "echo", "BYTES": "100000"}],
    "c-resolve": [{"NAME": "db"}, {"NAME": "localhost"}],
}
SERVERS = frozenset({"rust-echo-server", "rust-udp-echo"})
"""They listen, where the others are told the echo server."""

# The greatest value that is given; what is not here is as by default.
LOW_LIMITS = {
    "streams": 30,
    "resources": 15,
    "pending_calls": 10,
    "memory_bytes": 4 << 20,
    "values_in_flight_bytes": 1 << 20,
}
LEAST = 1 << 16
"""Of bytes."""
MOST_PASSES = 400
"""Of the event loop, before a guest that is to be cancelled is."""


class Round(NamedTuple):
    """One guest, and its weather."""

    network: str
    """A key of `WORLDS`."""
    name: str
    env: Env
    calls: tuple[tuple[str, int | None], ...]
    """Of exports, and after how many passes each is cancelled; none: it is run as a command."""
    faults: RandomFaults
    limits: Mapping[str, Any]
    cancelled: tuple[int, ...]
    """After so many passes the whole guest, after so many more again while it ends."""

    def __str__(self) -> str:
        words = [f"{self.name} on the {self.network} network"]
        words += [f"{name}={value}" for name, value in self.env.items()]
        words += [_at(call, passes) for call, passes in self.calls]
        words += [f"{name}={value:g}" for name, value in self.limits.items()]
        if self.faults.rate:
            words.append(f"faults {self.faults.seed} at {self.faults.rate}")
        return " ".join(words) + "".join(f", cancelled after {passes} passes" for passes in self.cancelled)


def _at(call: str, passes: int | None) -> str:
    return call if passes is None else f"{call}@{passes}"


def rounds(seed: int) -> Iterator[Round]:
    """Without end: every fixture once, then again in another order."""
    for number in itertools.count():
        chance = random.Random(f"{seed} {number}")
        for name in chance.sample(NAMES, len(NAMES)):
            yield _round(name, chance)


def _round(name: str, chance: random.Random) -> Round:
    network = chance.choice(list(WORLDS))
    faults = RandomFaults(
        chance.getrandbits(32),
        rate=chance.choice([0.0, 0.02, 0.2]),
        stall_s=1.0 if network == "virtual" else 0.05,
    )
    return Round(
        network=network,
        name=name,
        env=chance.choice(_environments(name)),
        calls=_calls(name, chance),
        faults=faults,
        limits=_limits(chance),
        cancelled=tuple(chance.randrange(MOST_PASSES >> nth * 5) for nth in range(chance.choice([0, 0, 1, 2]))),
    )


def _environments(name: str) -> list[Env]:
    if name in ENVIRONMENTS:
        return ENVIRONMENTS[name]
    return [{}, *({"CASE": case} for case in rust_cases(name))] if name.startswith("rust-") else [{}]


def _calls(name: str, chance: random.Random) -> tuple[tuple[str, int | None], ...]:
    if name not in EXPORTS:
        return ()
    called = chance.choices(sorted(EXPORTS[name].calls), k=chance.randint(1, 12))
    return tuple((call, chance.choice([None, chance.randrange(MOST_PASSES)])) for call in called)


def _limits(chance: random.Random) -> Mapping[str, Any]:
    name = chance.choice([*LOW_LIMITS, "run_time_s", *[None] * 15])
    if name is None:
        return {}
    if name == "run_time_s":
        return {name: chance.uniform(0.001, 0.1)}
    return {name: chance.randint(LEAST if name.endswith("bytes") else 1, LOW_LIMITS[name])}
