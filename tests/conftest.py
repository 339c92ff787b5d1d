"""What all tests share: `async def` tests run in an event loop of their own."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from hypothesis import HealthCheck, settings

# How long something takes says nothing about it on a machine that is busy.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")

TIMEOUT_S = 60  # far more than any test takes; turns a hang into a failure


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
        leaked = asyncio.all_tasks() - {asyncio.current_task()}
    assert not leaked, f"the test left tasks behind: {leaked}"
