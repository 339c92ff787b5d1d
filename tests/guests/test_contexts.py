"""contextvars reach whatever a guest of `Host.run` asks: providers, policies, resolvers, standard streams."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

import pytest

from tests.guests.harness import Guest, load, passes
from tests.guests.peers import discard, server
from wasihost import Decision, Host, PolicyContext, allow_all
from wasihost._network.base import Address
from wasihost._policy import Use

REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("REQUEST", default="none")


class Seen(set[str]):
    """What `REQUEST` was, and where."""

    def note(self, where: str) -> None:
        self.add(f"{where}: {REQUEST.get()}")

    def policy(self, address: Address, use: Use, context: PolicyContext) -> bool:
        self.note("policy")
        return True

    async def slow_policy(self, address: Address, use: Use, context: PolicyContext) -> bool:
        await passes(3)
        return self.policy(address, use, context)

    def decided(self, decision: Decision) -> None:
        self.note("decision")

    def resolve(self, name: str) -> str:
        self.note("resolver")
        return "127.0.0.1"

    async def resolve_slowly(self, name: str) -> str:
        await passes(3)
        return self.resolve(name)

    def write(self, data: bytes) -> None:
        self.note("output")


@pytest.fixture
def seen() -> Seen:
    REQUEST.set("r1")
    return Seen()


@pytest.mark.parametrize("policy", [Seen.policy, Seen.slow_policy], ids=["sync", "async"])
async def test_policies_and_decisions(seen: Seen, policy: Callable[..., bool | Awaitable[bool]]) -> None:
    async with server(discard) as peer:
        guest = Guest(
            "rust-tcp-client",
            policy=policy.__get__(seen),
            on_decision=seen.decided,
            env={"ADDRESS": peer.address, "MODE": "connect"},
        )
        await guest.run_async()
    assert seen == {"policy: r1", "decision: r1"}


@pytest.mark.parametrize("resolve", [Seen.resolve, Seen.resolve_slowly], ids=["sync", "async"])
def test_resolvers_and_outputs(seen: Seen, resolve: Callable[[Seen, str], str]) -> None:
    env = {"CASE": "print", "NAME": "db.test"}
    Host(env=env, stdout=seen.write, resolver=resolve.__get__(seen), policy=allow_all).run(load("rust-resolve"))
    assert seen == {"resolver: r1", "output: r1"}


def test_outputs_of_wasi_0_2(seen: Seen) -> None:
    Host(env={"CASE": "environment"}, stdout=seen.write).run(load("rust-std-p2"))
    assert seen == {"output: r1"}


async def test_two_runs_at_once_see_their_own(seen: Seen) -> None:
    async def run(request: str) -> Seen:
        REQUEST.set(request)
        mine = Seen()
        env = {"CASE": "print", "NAME": "db.test"}
        host = Host(env=env, stdout=mine.write, resolver=mine.resolve_slowly, policy=allow_all)
        await host.run_async(load("rust-resolve"))
        return mine

    first, second = await asyncio.gather(run("r1"), run("r2"))
    assert (first, second) == ({"resolver: r1", "output: r1"}, {"resolver: r2", "output: r2"})
