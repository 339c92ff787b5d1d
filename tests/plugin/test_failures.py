"""What a failing test shows, and what it means to leave something behind."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

pytestmark = pytest.mark.slow  # each is a pytest of its own


def test_a_failing_test_shows_transcript_and_stderr(project: Project) -> None:
    result = project.run("""
        def test_it(wasi_net, wasi_guest):
            client(wasi_guest, "10.9.9.9:80").run()
        """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "tests/test_it.py:*: in test_it",
            "E   wasihost.GuestExit: the guest exited with code 1",
            "*- wasihost transcript -*",
            "   0.000000  guest 1   c-echo-client.wasm starts",
            "*connect 10.9.9.9:80: ENETUNREACH",
            "*ends: exit code 1",
            "*- stderr of c-echo-client.wasm -*",
            "*got remote-unreachable, expected ok",
        ],
    )
    result.stdout.no_fnmatch_line("*asyncio*")


def test_a_server_that_fails_ends_the_body(project: Project) -> None:
    result = project.run("""
        async def test_it(wasi_net, wasi_guest):
            async with server(wasi_guest, "10.9.9.9:80").running():
                await asyncio.Event().wait()
        """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*GuestExit: the guest exited with code 1", "*address-not-bindable*"])


def test_only_the_tail_is_shown(project: Project) -> None:
    result = project.run("""
        async def test_it(wasi_net, wasi_guest):
            async with server(wasi_guest).running():
                await wasi_net.listening("guest:8080")
                for _ in range(30):
                    reader, writer = await wasi_net.connect("guest:8080")
                    writer.write_eof()
                    await reader.read()
                    writer.close()
            assert False
        """)
    result.assert_outcomes(failed=1)
    lines = result.outlines
    begin = next(number for number, line in enumerate(lines) if "wasihost transcript" in line)
    assert lines[begin + 1].endswith(" more lines")
    assert [" guest 1 " in line or " #" in line for line in lines[begin + 2 : begin + 22]] == [True] * 20
    assert lines[begin + 22].startswith("=")


def test_a_trace_is_shown_in_which_something_is_not(project: Project) -> None:
    result = project.run(
        """
        def test_it(wasi_net, wasi_guest, wasi_trace):
            client(wasi_guest, "10.9.9.9:80").run(check=False)
            assert events.Connected in wasi_trace
        """,
        "-vv",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E   assert Connected in the trace:", "E  *connect 10.9.9.9:80: ENETUNREACH"])


@pytest.mark.parametrize("marker", ["", "@pytest.mark.wasi_may_leak"])
def test_what_is_left_behind_is_an_error_that_names_it(project: Project, marker: str) -> None:
    result = project.run(f"""
        {marker}
        async def test_guest(wasi_net, wasi_guest):
            running = asyncio.create_task(server(wasi_guest).run_async())
            await wasi_net.listening("guest:8080")

        {marker}
        async def test_connection(wasi_net):
            wasi_net.listen("db:1", keep)
            keep(*await wasi_net.connect("db:1"))
            while len(kept) < 2:
                await asyncio.sleep(0)

        {marker}
        async def test_task(wasi_net):
            asyncio.create_task(asyncio.Event().wait(), name="one too many")

        {marker}
        @pytest.mark.wasi_real_network
        async def test_descriptor(wasi_net):
            global left
            left = __import__("socket").socket()
        """)
    if marker:
        result.assert_outcomes(passed=4)
        return
    result.assert_outcomes(passed=4, errors=4)
    result.stdout.fnmatch_lines(
        [
            "*the test has left behind:",
            "*guest rust-echo-server.wasm is still running: *",
            "*connection <10.*, open, 0 bytes there, 0 back>: close its writer",
            "*task one too many is still running, in Event.wait *",
            "*file descriptor * is still open: <socket.socket *",
        ]
    )


def test_a_test_that_failed_is_not_blamed_for_more(project: Project) -> None:
    result = project.run("""
        async def test_it(wasi_net, wasi_guest):
            running = asyncio.create_task(server(wasi_guest).run_async())
            await wasi_net.listening("guest:8080")
            assert False
        """)
    result.assert_outcomes(failed=1)


def test_peers_have_time_to_end(project: Project) -> None:
    result = project.run("""
        async def test_it(wasi_net, wasi_guest):
            wasi_net.host("db", "10.0.0.7").listen(7, echo)
            wasi_net.link("guest", "db", latency_s=1)
            await client(wasi_guest, "10.0.0.7:7").run_async()
        """)
    result.assert_outcomes(passed=1)


def test_faults_come_from_a_marker(project: Project) -> None:
    result = project.run("""
        def test_without(wasi_net, wasi_guest):
            wasi_net.host("db", "10.0.0.7").listen(7, echo)
            assert client(wasi_guest, "10.0.0.7:7").faults is None

        @pytest.mark.wasi_faults(Fault("connect", "ECONNREFUSED", nth=1), Fault("receive", "EIO", after_bytes=9999))
        def test_planned(wasi_net, wasi_guest, wasi_trace):
            wasi_net.host("db", "10.0.0.7").listen(7, echo)
            guest = client(wasi_guest, "10.0.0.7:7")
            assert guest.run(check=False) == 1
            assert "connection-refused" in guest.stderr
            assert "connect 10.0.0.7:7: ECONNREFUSED" in wasi_trace
            assert len(guest.faults.injected) == len(guest.faults.unused) == 1
            client(wasi_guest, "10.0.0.7:7", faults=FaultPlan()).run()
            client(wasi_guest, "10.0.0.7:7").run()
            assert False, "so that the faults are shown"

        @pytest.mark.wasi_faults(RandomFaults(seed=7, rate=1, on=["connect"], do=["EHOSTUNREACH"]))
        def test_random(wasi_net, wasi_guest):
            client(wasi_guest, "10.0.0.7:7").run()

        @pytest.mark.wasi_faults("connect")
        def test_mistaken(wasi_net): ...

        @pytest.mark.wasi_faults(Fault("receive", "stall", seconds=900, after_bytes=500))
        def test_a_stall_is_in_virtual_time(wasi_net, wasi_guest, wasi_clock):
            wasi_net.host("db", "10.0.0.7").listen(7, echo)
            client(wasi_guest, "10.0.0.7:7").run()
            assert wasi_clock.seconds == 900
        """)
    result.assert_outcomes(passed=2, failed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "E   wasihost.ConfigError: fault 1 of the plan: expected a Fault, got 'connect'",
            "*- wasihost faults -*",
            "1 fault was injected, and this plan repeats it:",
            "these were planned and did not happen:",
            "*- wasihost faults -*",
            "seed 7: 1 fault was injected, and this plan repeats it:",
            "FaultPlan(",
            "    Fault('connect', 'EHOSTUNREACH', nth=1, socket=1),",
            ")",
        ]
    )


def test_a_test_that_is_skipped_or_expected_to_fail_is_not_asked_what_it_leaves(project: Project) -> None:
    result = project.run("""
        async def begin(wasi_net, wasi_guest):
            asyncio.create_task(server(wasi_guest).run_async())
            await wasi_net.listening("guest:8080")

        @pytest.mark.xfail
        async def test_xfail(wasi_net, wasi_guest):
            await begin(wasi_net, wasi_guest)
            assert False

        async def test_skip(wasi_net, wasi_guest):
            await begin(wasi_net, wasi_guest)
            pytest.skip("in the middle")
        """)
    result.assert_outcomes(skipped=1, xfailed=1)


def test_a_missing_import_is_said_before_the_guest_is_compiled(project: Project) -> None:
    result = project.run("""
        import wasmtime

        GUEST = '''(component
          (import "a:b/c" (instance (export "f" (func))))
          (core module (func (result i32)))  ;; has no such result
          (core module $m (func (export "run") (result i32) (i32.const 0)))
          (core instance $i (instantiate $m))
          (type $run (func async (result (result))))
          (func $run (type $run) (canon lift (core func $i "run")))
          (instance $exports (export "run" (func $run)))
          (export "wasi:cli/run@0.3.0" (instance $exports)))'''

        def test_it(wasi_guest):
            with pytest.raises(LinkError, match="nothing provides the import a:b/c"):
                wasi_guest(bytes(wasmtime.wat2wasm(GUEST))).run()
        """)
    result.assert_outcomes(passed=1)
