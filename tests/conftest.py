"""What all tests share: `async def` tests run in an event loop of their own."""

from __future__ import annotations

import asyncio
import gc
import inspect
import resource
import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests import shared
from tests.processes import TIMEOUT_S

# How long something takes says nothing about it on a machine that is busy.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job in the background of a script
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a process that a test starts would ignore it too

SLOW_S = 1
"""Of CPU: a test that takes more is marked `slow`, or `nightly`."""
TOLERANCE = 5
"""A test without a mark fails at so many times that: processors differ, and the first to run a fixture compiles it."""


def cpu_s() -> float:
    """The CPU time of this process and of its children that have ended."""
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(times.ru_utime + times.ru_stime for times in used)


def pytest_configure() -> None:
    shared.directory()  # before there are workers, which then have the same


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses names with addresses, which differ from process to process."""
    if wrong := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"give these parameters ids: {wrong}")


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # 12,000 tests stay: to look through them took a tenth of a second at each collection


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fails a test that is slow and not marked so; by CPU time, which a busy machine changes little."""
    before = cpu_s()
    result = yield
    used = cpu_s() - before
    if used > SLOW_S * TOLERANCE and not any(map(item.get_closest_marker, ("slow", "nightly", "engines"))):
        pytest.fail(f"took {used:.1f} s of CPU: mark it slow, as tests of over {SLOW_S} s are", pytrace=False)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a coroutine test with `asyncio.run`."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(_with_timeout(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})))
    return True


async def _with_timeout(test: object) -> None:
    assert inspect.iscoroutine(test)
    async with asyncio.timeout(TIMEOUT_S):
        await test
        # A task that `eager` began, and the end of an async generator that was left early, take a pass each.
        for _ in range(2):
            await asyncio.sleep(0)
        leaked = asyncio.all_tasks() - {asyncio.current_task()}
    assert not leaked, f"the test left tasks behind: {leaked}"
