"""Guests of WASI 0.2 that wait: for nothing that can come, and many of them at once."""

from __future__ import annotations

import asyncio

import pytest

from tests.guests.harness import load
from wasihost import DeadlockError, Host, allow_all
from wasihost.network import VirtualNetwork
from wasihost.testing import run_virtual


async def _talk_to_one_who_says_nothing() -> None:
    network = VirtualNetwork()
    peer = network.host("peer")
    peer.serve(80, lambda _: b"")
    env = {"CASE": "pingpong", "ADDRESS": f"{peer.addresses[0]}:80"}
    await Host(network=network, policy=allow_all, env=env).run_async(load("rust-p2-net"))


def test_waiting_for_what_can_never_come_is_a_deadlock_in_virtual_time() -> None:
    with pytest.raises(DeadlockError, match=r"no timer.*Subject\._once_ready"):
        run_virtual(_talk_to_one_who_says_nothing())


async def _sleep(seconds: int) -> None:
    env = {"CASE": "sleep", "ROUNDS": str(1000 * seconds)}
    await Host(env=env, stdout=lambda _: None).run_async(load("rust-p2-net"))


def test_guests_asleep_at_once_wait_for_the_same_time() -> None:
    async def time_of(count: int) -> float:
        await asyncio.gather(*(_sleep(10) for _ in range(count)))
        return asyncio.get_running_loop().time()

    assert run_virtual(time_of(50)) == 10
