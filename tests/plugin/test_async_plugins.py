"""Together with pytest-asyncio and anyio, whose event loops can be virtual ones too."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

# The clock stands still in a loop of theirs, and moves by itself in a virtual one.
IN_REAL_TIME = """
    {marker}
    async def test_it(wasi_net, wasi_guest, wasi_clock):
        wasi_net.host("db", "10.0.0.7").listen(7, echo)
        await client(wasi_guest, "10.0.0.7:7").run_async()
        assert not wasi_clock.is_virtual and wasi_clock.seconds == 0

    {marker}
    async def test_time_is_moved_by_hand(wasi_guest, wasi_clock):
        env = {{"CASE": "tell", "WAIT_NS": str(600 * 10**9)}}
        running = asyncio.create_task(wasi_guest("guest/rust-clocks.wasm", env=env).run_async())
        while wasi_clock.next_seconds is None:
            await asyncio.sleep(0)
        wasi_clock.advance(600)
        assert await running == 0
    """
IN_VIRTUAL_TIME = """
    {marker}
    async def test_it(wasi_net, wasi_guest, wasi_clock):
        wasi_net.host("db", "10.0.0.7").listen(7, echo)
        wasi_net.link("guest", "db", latency_s=60)
        await client(wasi_guest, "10.0.0.7:7").run_async()
        assert wasi_clock.is_virtual and wasi_clock.seconds >= 240
    """
ASYNCIO_VIRTUAL = """
    from wasihost.testing import virtual_loop

    def pytest_asyncio_loop_factories(config, item):
        return {"virtual": virtual_loop}
    """
ANYIO_VIRTUAL = """
    import pytest
    from wasihost.testing import virtual_loop

    @pytest.fixture
    def anyio_backend():
        return "asyncio", {"loop_factory": virtual_loop}
    """
ANYIO_PLAIN = """
    import pytest

    @pytest.fixture
    def anyio_backend():
        return "asyncio"
    """
STRICT, AUTO = ("-o", "asyncio_mode=strict"), ("-o", "asyncio_mode=auto", "-p", "no:anyio")
SCOPE = ("-o", "asyncio_default_fixture_loop_scope=function")
MARKED_ASYNCIO, MARKED_ANYIO = "@pytest.mark.asyncio", "@pytest.mark.anyio"


@pytest.mark.parametrize(
    ("conftest", "marker", "options"),
    [
        pytest.param("", MARKED_ASYNCIO, STRICT, id="pytest-asyncio, strict"),
        pytest.param("", "", AUTO, id="pytest-asyncio, auto"),
        pytest.param(ANYIO_PLAIN, MARKED_ANYIO, STRICT, id="anyio"),
    ],
)
def test_on_the_event_loop_of_another_plugin(
    project: Project, conftest: str, marker: str, options: tuple[str, ...]
) -> None:
    project.conftest(conftest)
    result = project.run(IN_REAL_TIME.format(marker=marker), *options, *SCOPE, alone=False)
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("conftest", "marker", "options"),
    [
        pytest.param(ASYNCIO_VIRTUAL, MARKED_ASYNCIO, STRICT, id="pytest-asyncio, strict"),
        pytest.param(ASYNCIO_VIRTUAL, "", AUTO, id="pytest-asyncio, auto"),
        pytest.param(ANYIO_VIRTUAL, MARKED_ANYIO, STRICT, id="anyio"),
        pytest.param("", "", STRICT, id="a test that neither has claimed"),
    ],
)
def test_in_virtual_time(project: Project, conftest: str, marker: str, options: tuple[str, ...]) -> None:
    project.conftest(conftest)
    result = project.run(IN_VIRTUAL_TIME.format(marker=marker), *options, *SCOPE, alone=False)
    result.assert_outcomes(passed=1)
