"""The fixture `wasi_files`: files in memory, faults on them, and what a failing test shows."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

pytestmark = pytest.mark.slow  # each is a pytest of its own


def test_guests_have_the_files_of_the_test(project: Project) -> None:
    result = project.run("""
        from wasihost.files import Directory, MemoryFiles

        def files(wasi_guest, case, **options):
            return wasi_guest("guest/rust-files.wasm", env={"CASE": case}, **options)

        def test_they_are_filled_and_read_in_python(wasi_files, wasi_guest, wasi_trace):
            wasi_files["/x.txt"] = b"hello"
            wasi_files.add_directory("/dir")
            guest = files(wasi_guest, "write", files={"/data": wasi_files})
            guest.run()
            assert wasi_files.text("/x.txt") == "hello"
            assert wasi_files.changes.added
            assert not wasi_files.changes.removed
            assert events.FileWritten in wasi_trace

        def test_they_are_the_root_of_a_guest(wasi_host, wasi_guest, wasi_files, wasi_run):
            wasi_files.add_directory("/data")
            before = wasi_files.snapshot()
            wasi_guest("guest/rust-p2-fs.wasm", env={"CASE": "create-and-read"}).run()
            assert wasi_files.changes.added == ("/data/create-and-read/", "/data/create-and-read/file.txt")
            wasi_files.restore(before)
            wasi_run(lambda: wasi_host.run_async("guest/rust-p2-fs.wasm"))
            assert "/data/create-and-read/file.txt" in wasi_files

        def test_each_test_has_its_own(wasi_files, wasi_clock):
            assert not wasi_files
            wasi_files["/x"] = b""
            assert wasi_files.stat(wasi_files.root).modified_ns == wasi_clock.system_ns()

        def test_without_the_fixture_there_are_none(wasi_guest):
            files(wasi_guest, "no-mounts").run()
        """)
    result.assert_outcomes(passed=4)


def test_what_goes_wrong_with_files_and_what_is_there_is_shown(project: Project) -> None:
    result = project.run("""
        @pytest.mark.wasi_faults(Fault("file-write", "ENOSPC", after_bytes=3), Fault("file-read", "EIO", nth=99))
        def test_faults(wasi_files, wasi_guest):
            wasi_files.add_directory("/data")
            wasi_guest("guest/rust-p2-fs.wasm", env={"CASE": "create-and-read"}).run()

        def test_paths(wasi_files):
            wasi_files["/there"] = b""
            assert "/not/there" in wasi_files
        """)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*- changes to wasi_files -*",
            "+ /data/*",
            "*- wasihost faults -*",
            "*    Fault('file-write', 'ENOSPC', after_bytes=3),",
            "these were planned and did not happen:",
            "*    Fault('file-read', 'EIO', nth=99),",
            "E*AssertionError: assert '/not/there' in wasi_files:",
            "E*/there",
        ]
    )
