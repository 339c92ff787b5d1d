"""Guests in tests that are async and that are not, on the virtual network and on the real one."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

pytestmark = pytest.mark.slow  # each is a pytest of its own


def test_a_plain_test_runs_a_client_against_a_python_server(project: Project) -> None:
    result = project.run("""
        def test_it(wasi_net, wasi_guest, wasi_trace):
            wasi_net.host("db", "10.0.0.7")
            wasi_net.listen("db:5432", echo)
            guest = client(wasi_guest, "10.0.0.7:5432")
            assert guest.run() == 0
            assert guest.exit_code == 0
            assert guest.stdout == "echoed 1000 bytes\\n"
            assert guest.stdout_bytes == b"echoed 1000 bytes\\n"
            assert guest.stderr == ""
            assert repr(guest) == "<Guest c-echo-client.wasm, exit code 0>"
            [connection] = wasi_net.connections
            assert (connection.bytes_to_server, connection.state) == (1000, "closed")
            assert "connected to 10.0.0.7:5432" in wasi_trace
            assert events.Connected in wasi_trace
            assert "refused" not in wasi_trace and events.Aborted not in wasi_trace
            [sent] = wasi_trace.of(events.Sent)
            assert len(sent.data) == 1000

        def test_a_guest_can_run_again(wasi_net, wasi_guest):
            server = wasi_net.listen(wasi_net.host("db", "10.0.0.7").name + ":7", echo)
            guest = client(wasi_guest, "10.0.0.7:7")
            guest.run()
            guest.run()
            assert guest.stdout == "echoed 1000 bytes\\n"
            assert len(wasi_net.connections) == 2
        """)
    result.assert_outcomes(passed=2)


def test_a_guest_of_0_2_runs_on_the_virtual_network(project: Project) -> None:
    result = project.run("""
        def test_it(wasi_net, wasi_guest, wasi_trace):
            wasi_net.host("db", "10.0.0.7").serve(7, lambda data: data)
            env = {"CASE": "pingpong", "ADDRESS": "10.0.0.7:7", "ROUNDS": "1"}
            guest = wasi_guest("guest/rust-p2-net.wasm", env=env)
            assert guest.run() == 0
            assert guest.stdout.startswith("pingpong rounds=1 ")
            assert "connected to 10.0.0.7:7" in wasi_trace
        """)
    result.assert_outcomes(passed=1)


def test_an_async_test_talks_to_a_server(project: Project) -> None:
    result = project.run("""
        async def test_it(wasi_net, wasi_guest):
            async with server(wasi_guest).running() as guest:
                assert await guest.line("listening") == "listening on 0.0.0.0:8080"
                reader, writer = await wasi_net.connect("guest:8080")
                writer.write(b"hello")
                writer.write_eof()
                assert await reader.read() == b"hello"
                writer.close()
            assert guest.exit_code is None

        def test_a_plain_one_with_wasi_run(wasi_net, wasi_guest, wasi_run):
            guest = server(wasi_guest)
            async def main():
                async with guest.running():
                    await wasi_net.listening("guest:8080")
                    reader, writer = await wasi_net.connect("guest:8080")
                    writer.write(b"hello")
                    writer.write_eof()
                    answer = await reader.read()
                    writer.close()
                    return answer
            assert wasi_run(main) == b"hello"

        async def test_guests_on_two_hosts(wasi_net, wasi_guest):
            wasi_net.host("web", "10.0.0.80")
            async with server(wasi_guest, at="web").running() as guest:
                await guest.line()
                await client(wasi_guest, "10.0.0.80:8080").run_async()

        class TestInAClass:
            async def test_it(self, wasi_host):
                async with wasi_host.open("guest/c-echo-client.wasm"): ...
        """)
    result.assert_outcomes(passed=4)


def test_the_real_network_is_chosen_by_a_marker(project: Project) -> None:
    result = project.run(
        """
        LOOPBACK = Rules(outbound=["tcp://127.0.0.1:*"], inbound=["tcp://127.0.0.1:*"])

        @pytest.mark.wasi_real_network
        async def test_client(wasi_guest, wasi_net):
            assert isinstance(wasi_net, OsNetwork)
            async with await asyncio.start_server(echo, "127.0.0.1", 0) as python:
                host, port = python.sockets[0].getsockname()
                await client(wasi_guest, f"{host}:{port}", policy=LOOPBACK).run_async()

        @pytest.mark.wasi_real_network
        def test_nothing_is_allowed_by_default(wasi_guest):
            guest = client(wasi_guest, "127.0.0.1:1")
            assert guest.run(check=False) == 1
            assert "access-denied" in guest.stderr

        @pytest.mark.wasi_real_network
        def test_there_are_no_named_hosts(wasi_guest):
            with pytest.raises(TypeError, match="at='web'"):
                server(wasi_guest, at="web")

        def test_deselected(): assert False
        """,
        *("-m", "wasi_real_network"),
    )
    result.assert_outcomes(passed=3, deselected=1)


def test_time_outs_of_minutes_take_none(project: Project) -> None:
    result = project.run("""
        def test_guest(wasi_guest, wasi_clock):
            env = {"CASE": "tell", "WAIT_NS": str(600 * 10**9)}
            assert wasi_clock.is_virtual and wasi_clock.seconds == 0
            wasi_guest("guest/rust-clocks.wasm", env=env).run()
            assert wasi_clock.seconds == 600
            with pytest.raises(RuntimeError, match="moves by itself"):
                wasi_clock.advance(1)

        async def test_latency(wasi_net, wasi_guest, wasi_clock):
            wasi_net.link("guest", "peer", latency_s=60)
            async with server(wasi_guest).running():
                await wasi_net.listening("guest:8080")
                reader, writer = await wasi_net.connect("guest:8080")
                assert wasi_clock.seconds == 120
                writer.close()
        """)
    result.assert_outcomes(passed=2)


def test_guests_are_found_from_the_tests_folder_up(project: Project) -> None:
    nested = project.path / "tests/nested"
    nested.mkdir(parents=True)
    (nested / "near.wasm").symlink_to(project.path / "guest/rust-exports.wasm")
    (nested / "test_nested.py").write_text("def test_it(wasi_guest): assert wasi_guest('near.wasm').exit_code is None")
    result = project.run("""
        def test_bytes_and_absolute_paths(wasi_guest, request):
            path = request.config.rootpath / "guest/c-echo-client.wasm"
            assert wasi_guest(path).name == "c-echo-client.wasm"
            assert wasi_guest(path.read_bytes()).name == "the component"

        def test_compiled_once(wasi_guest, wasi_host):
            assert wasi_guest("guest/rust-exports.wasm")._component is wasi_guest("guest/rust-exports.wasm")._component

        def test_missing(wasi_guest):
            wasi_guest("guest/missing.wasm")
        """)
    result.assert_outcomes(passed=3, failed=1)
    tests = project.path / "tests"
    result.stdout.fnmatch_lines(f"*there is no component guest/missing.wasm; looked in {tests}, {project.path}")


def test_mistakes_are_told_as_such(project: Project) -> None:
    result = project.run("""
        async def test_run_in_an_async_test(wasi_guest):
            with pytest.raises(TypeError, match="await the coroutine"):
                client(wasi_guest, "10.0.0.1:1").run()

        def test_unknown_options(wasi_guest):
            with pytest.raises(TypeError, match="unexpected keyword argument 'polici'"):
                wasi_guest("guest/rust-exports.wasm", polici=allow_all)

        async def test_twice_at_once(wasi_net, wasi_guest):
            async with server(wasi_guest).running() as guest:
                await guest.line()
                with pytest.raises(RuntimeError, match="running already"):
                    await guest.run_async()

        def test_a_line_that_never_comes(wasi_net, wasi_guest, wasi_run):
            wasi_net.listen("localhost:7", echo) if False else wasi_net.host("db", "10.0.0.7").listen(7, echo)
            guest = client(wasi_guest, "10.0.0.7:7")
            async def main():
                async with guest.running():
                    await guest.line("something else")
            with pytest.raises(RuntimeError, match="wrote no line with 'something else'; stdout: 'echoed 1000"):
                wasi_run(main)

        def test_a_peer_that_never_answers(wasi_net, wasi_guest):
            wasi_net.host("db", "10.0.0.7").listen(7, keep)
            with pytest.raises(DeadlockError):
                client(wasi_guest, "10.0.0.7:7").run()

        test_a_peer_that_never_answers = pytest.mark.wasi_may_leak(test_a_peer_that_never_answers)
        """)
    result.assert_outcomes(passed=5)


def test_it_works_with_xdist(project: Project) -> None:
    result = project.run(
        """
        @pytest.mark.parametrize("number", range(4))
        def test_it(wasi_net, wasi_guest, number):
            wasi_net.host("db", "10.0.0.7").listen(7, echo)
            client(wasi_guest, "10.0.0.7:7" if number else "10.0.0.7:8").run()
        """,
        *("-p", "xdist.plugin", "-n", "2"),
    )
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*wasihost transcript*", "*connect 10.0.0.7:8: ECONNREFUSED"])


def test_a_project_may_have_a_network_of_its_own(project: Project) -> None:
    project.conftest("""
        import pytest
        from wasihost._testing import VirtualNetwork

        @pytest.fixture
        def wasi_net():
            network = VirtualNetwork(latency_s=1)
            network.host("db", "10.0.0.7")
            return network
        """)
    result = project.run("""
        def test_it(wasi_net, wasi_guest, wasi_clock):
            wasi_net.listen("db:7", echo)
            client(wasi_guest, "10.0.0.7:7").run()
            assert wasi_clock.seconds >= 4
        """)
    result.assert_outcomes(passed=1)
