"""`rust-resolve` and `c-resolve`: name lookup, with hosts and resolvers in Python."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.guests import world
from tests.guests.harness import Guest, fails, load, passes, run, rust_cases
from wasihost import DeadlockError, Host, Policy, Rules, allow_all, deny_all
from wasihost._network.names import Addresses

CASES = ["literals", "invalid", "localhost"]
ONLY_BY_NAME = ["denied", "hosts", "errors", "several", "cancel", "print"]
HOSTS: dict[str, Addresses] = {"db": "10.0.0.1", "api": ["::1", "127.0.0.1"], "bücher.test": "192.0.2.1"}


both_guests = pytest.mark.parametrize("guest", ["rust-resolve", "c-resolve"])


def resolving(case: str, guest: str = "rust-resolve", **options: Any) -> str:
    """What the guest prints; it ends well."""
    name = options.pop("name", "localhost")
    lines: list[bytes] = []
    complaints: list[bytes] = []
    host = Host(env={"CASE": case, "NAME": name}, stdout=lines.append, stderr=complaints.append, **options)
    try:
        host.run(load(guest))
    finally:
        print(b"".join(complaints).decode())
    return b"".join(lines).decode()


def test_the_list_of_cases_is_complete() -> None:
    assert rust_cases("rust-resolve") == CASES + ONLY_BY_NAME


@pytest.mark.usefixtures("both_networks")
def test_all_cases_in_one_run() -> None:
    assert run("rust-resolve") == "".join(f"ok {case}\n" for case in CASES)


@both_guests
@pytest.mark.parametrize("policy", [deny_all, Rules(), Rules(outbound=["tcp://*:*"], resolve=["*.test"])])
def test_nothing_is_allowed_by_default(guest: str, policy: Policy) -> None:
    assert resolving("denied", guest, policy=policy) == "ok denied\n"


@both_guests
@pytest.mark.parametrize("case", ["literals", "invalid"])
def test_addresses_are_no_secret_and_other_text_is_no_name(guest: str, case: str) -> None:
    assert resolving(case, guest) == f"ok {case}\n"


@both_guests
def test_hosts_are_answered_without_a_policy(guest: str) -> None:
    assert resolving("hosts", guest, host_names=HOSTS) == "ok hosts\n"


@pytest.mark.usefixtures("both_networks")
def test_a_rule_lets_a_guest_ask_the_network() -> None:
    rules = Rules(resolve=["localhost"])
    assert resolving("localhost", policy=rules, network=world.current.network) == "ok localhost\n"


def _failing(name: str) -> list[str]:
    match name:
        case "missing.test":
            raise socket.gaierror(socket.EAI_NONAME, "missing")
        case "busy.test":
            raise socket.gaierror(socket.EAI_AGAIN, "busy")
        case "broken.test":
            raise socket.gaierror(socket.EAI_FAIL, "broken")
        case "strange.test":
            raise socket.gaierror(socket.EAI_MEMORY, "strange")
    assert name == "empty.test", f"{name} must not come here"
    return []


async def _failing_later(name: str) -> list[str]:
    await passes(3)
    return _failing(name)


class _Fussy:
    """A policy that thinks about names, and dislikes one."""

    def __call__(self, *_: object) -> bool:
        return False

    async def may_resolve(self, name: str, _: object) -> bool:
        await passes(3)
        return name != "denied.test"


NAMES = [f"{word}.test" for word in ("missing", "busy", "broken", "strange", "empty")]


@both_guests
@pytest.mark.parametrize("resolver", [_failing, _failing_later], ids=["sync", "async"])
@pytest.mark.parametrize("policy", [Rules(resolve=NAMES), _Fussy()], ids=["rules", "async"])
def test_every_error_of_the_wit(guest: str, resolver: Callable[[str], Any], policy: Policy) -> None:
    assert resolving("errors", guest, policy=policy, resolver=resolver) == "ok errors\n"


async def test_lookups_run_at_the_same_time() -> None:
    asked: list[str] = []
    all_asked = asyncio.Event()

    async def resolver(name: str) -> str:
        asked.append(name)
        if len(asked) == 20:
            all_asked.set()
        await all_asked.wait()
        return f"10.0.0.{name.removesuffix('.test')}"

    lines: list[bytes] = []
    host = Host(policy=allow_all, resolver=resolver, env={"CASE": "several"}, stdout=lines.append)
    await host.run_async(load("rust-resolve"))
    assert lines == [b"ok several\n"]


async def test_a_cancelled_lookup_cancels_an_async_resolver() -> None:
    cancelled = 0

    async def resolver(name: str) -> Addresses:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled += 1
            raise
        return ()

    host = Host(policy=allow_all, host_names=HOSTS, resolver=resolver, env={"CASE": "cancel"}, stdout=lambda line: None)
    await host.run_async(load("rust-resolve"))
    assert cancelled in range(4)  # one that had not begun is not begun


async def test_a_blocking_resolver_blocks_neither_the_loop_nor_the_guest() -> None:
    answer = threading.Event()

    def resolver(name: str) -> str:
        answer.wait()
        return "10.0.0.9"

    lines: list[bytes] = []
    env = {"CASE": "print", "NAME": "slow.test"}
    slow = Host(policy=allow_all, resolver=resolver, env=env, stdout=lines.append)
    running = asyncio.create_task(slow.run_async(load("rust-resolve")))
    other = Guest("rust-resolve", env={"CASE": "literals"})
    assert await other.run_async() == "ok literals\n"
    await passes(100)  # nothing else is under way: no deadlock
    assert not running.done()
    answer.set()
    await running
    assert lines == [b"10.0.0.9\n", b"ok print\n"]


async def test_what_a_resolver_raises_reaches_the_embedder() -> None:
    def resolver(name: str) -> Addresses | Awaitable[Addresses]:
        raise LookupError("mine")

    host = Host(policy=allow_all, resolver=resolver, env={"CASE": "print"})
    error = await fails(host.run_async(load("rust-resolve")), LookupError)
    assert any("ip-name-lookup" in note for note in error.__notes__)
    assert not isinstance(error, DeadlockError)


def test_the_answer_is_printed_in_the_resolvers_order() -> None:
    def resolver(name: str) -> list[str]:
        assert name == "xn--bcher-kva.test"
        return ["::2", "::ffff:10.0.0.1", "10.0.0.1"]

    printed = resolving("print", policy=allow_all, resolver=resolver, name="Bücher.test")
    assert printed == "::2\n10.0.0.1\nok print\n"
