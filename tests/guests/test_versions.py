"""Guests of other toolchains and with other versions of WASI: 0.3.2, two at once, 0.2 next to 0.3."""

from __future__ import annotations

import pytest

from tests.guests.harness import FamilyName, Guest, fails, families, load, run_async
from tests.guests.peers import echo, server
from wasihost import GuestExit

pytestmark = pytest.mark.usefixtures("wasi_0_2_is_started", "both_networks")


async def test_the_crate_wasip3() -> None:
    async with server(echo) as peer:
        printed = await run_async("rust-p3-crate", ADDRESS=peer.address)
    assert printed == "echoed: hello from the crate wasip3\n"


async def test_two_versions_of_wasi_sockets_in_one_component() -> None:
    assert await run_async("rust-two-versions") == "both versions work\n"


@families
async def test_a_guest_with_wasi_0_2_next_to_0_3_prints_and_has_its_environment(family: FamilyName) -> None:
    async with server(echo, family) as peer:
        printed = await run_async("rust-hello-p2", ADDRESS=peer.address)
    assert printed == "hello from std\nechoed: hello over WASI 0.3\n"


async def test_without_its_environment_variable_the_guest_with_wasi_0_2_fails() -> None:
    guest = Guest("rust-hello-p2")
    await fails(guest.host.run_async(load("rust-hello-p2")), GuestExit)
    assert str(guest.stdout) == "hello from std\n"
    assert "ADDRESS is not IP:PORT" in str(guest.stderr)
