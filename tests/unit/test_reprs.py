"""What objects show of themselves at a prompt or in a log: how they were made, and no secrets."""

from __future__ import annotations

import re

import pytest

from tests.guests.harness import load
from wasihost import (
    Cache,
    Host,
    Limits,
    OsClock,
    OsNetwork,
    ResourceTable,
    Rules,
    VirtualClock,
    all_of,
    allow_all,
    any_of,
    deny_all,
)
from wasihost.network import Quotas, VirtualNetwork
from wasihost.recording import Recording


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (Host(), "Host()"),
        (
            Host(
                policy=Rules(outbound=["tcp://a:1"]),
                env={"TOKEN": "secret"},
                args=["a"],
                providers={"a:b/c": object()},
                limits=Limits(fuel=5),
            ),
            "Host(policy=Rules(outbound=['tcp://a:1']), env=['TOKEN'], providers=['a:b/c'], limits=Limits(fuel=5))",
        ),
        (Rules(), "Rules()"),
        (Rules(rule for rule in ["tcp://a:1"]), "Rules(outbound=['tcp://a:1'])"),
        (all_of(allow_all, any_of(deny_all)), "all_of(allow_all, any_of(deny_all))"),
        (Quotas(connections=1, bytes_in="1KiB"), "Quotas(connections=1, bytes_in=1024)"),
        (OsNetwork(), "OsNetwork()"),
        (OsNetwork(sockets=3), "OsNetwork(sockets=3)"),
        (OsClock(), "OsClock()"),
        (VirtualClock(monotonic_ns=5), "<VirtualClock at 5 ns>"),
        (Cache("/var/x"), "Cache('/var/x')"),
        (Recording(), "<Recording of 0 events>"),
        (ResourceTable(5), "<ResourceTable with 0 of 5 resources>"),
    ],
)
def test_an_object_shows_what_it_is(made: object, shown: str) -> None:
    assert repr(made) == shown


def test_a_network_shows_its_hosts_and_a_component_its_world() -> None:
    net = VirtualNetwork()
    net.host("db")
    assert repr(net) == "<VirtualNetwork of guest, db>"
    assert re.fullmatch(
        r"<Component .*rust-exports\.wasm: imports test:exports/host@1\.0\.0; exports test:exports/api@1\.0\.0>",
        repr(load("rust-exports")),
    )
