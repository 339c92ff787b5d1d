"""Together with pytest-asyncio and anyio, whose event loops can be virtual ones too."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

pytestmark = pytest.mark.nightly  # each is a pytest of its own

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
    from wasihost._testing import virtual_loop

    def pytest_asyncio_loop_factories(config, item):
        return {"virtual": virtual_loop}
    """
ANYIO_VIRTUAL = """
    import pytest
    from wasihost._testing import virtual_loop

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


LEAKS = """
    import pytest_asyncio

    kept = []

    async def ask(wasi_net):
        reader, writer = await wasi_net.connect("guest:8080")
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b"hello"
        writer.close()

    @{fixture}
    async def running(wasi_net, wasi_guest{backend}):
        async with server(wasi_guest).running():
            await wasi_net.listening("guest:8080")
            yield

    {marker}
    async def test_a_guest_of_a_fixture_may_run_on(wasi_net, running):
        await ask(wasi_net)

    {marker}
    async def test_peers_have_time_to_end(wasi_net):
        wasi_net.listen("db:7", echo)
        reader, writer = await wasi_net.connect("db:7")
        writer.close()

    {marker}
    async def test_guest(wasi_net, wasi_guest):
        kept.append(asyncio.create_task(server(wasi_guest).run_async()))
        await wasi_net.listening("guest:8080")

    {marker}
    async def test_connection(wasi_net):
        wasi_net.listen("db:7", lambda reader, writer: kept.append(writer))
        kept.append(await wasi_net.connect("db:7"))

    {marker}
    @pytest.mark.wasi_real_network
    async def test_descriptor(wasi_net):
        kept.append(__import__("socket").socket())
    """


@pytest.mark.parametrize(
    ("conftest", "fixture", "backend", "marker"),
    [
        pytest.param("", "pytest_asyncio.fixture", "", MARKED_ASYNCIO, id="pytest-asyncio"),
        pytest.param(ASYNCIO_VIRTUAL, "pytest_asyncio.fixture", "", MARKED_ASYNCIO, id="pytest-asyncio, virtual"),
        pytest.param(ANYIO_PLAIN, "pytest.fixture", ", anyio_backend", MARKED_ANYIO, id="anyio"),
        pytest.param(ANYIO_VIRTUAL, "pytest.fixture", ", anyio_backend", MARKED_ANYIO, id="anyio, virtual"),
    ],
)
def test_what_a_test_leaves_behind_on_the_event_loop_of_another_plugin_is_reported(
    project: Project, conftest: str, fixture: str, backend: str, marker: str
) -> None:
    project.conftest(conftest)
    tests = LEAKS.format(fixture=fixture, backend=backend, marker=marker)
    result = project.run(tests, *STRICT, *SCOPE, "-W", "ignore::ResourceWarning", alone=False)
    result.assert_outcomes(passed=5, errors=3)
    result.stdout.fnmatch_lines(
        [
            "*at teardown of test_guest*",
            "*guest rust-echo-server.wasm is still running: *",
            "*at teardown of test_connection*",
            "*connection <10.*, open, 0 bytes there, 0 back>: close its writer",
            "*at teardown of test_descriptor*",
            "*file descriptor * is still open: <socket.socket *",
        ]
    )
