"""`rust-files`, `rust-p2-files`, `rust-p2-fs` and `c-p2-files`, on directories of this system."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.guests.harness import FIXTURES, Guest, run
from tests.unit.wasi.filesystem.trees import both_ways
from wasihost import PolicyContext, Rules
from wasihost.files import Directory, FileSystem
from wasihost.network import Quotas
from wasihost.policy import FileUse
from wasihost.recording import Recording, ReplayFiles

SOURCES = {
    "rust-files": "rust/files/src/lib.rs",
    "rust-p2-files": "rust-p2/files/src/main.rs",
    "rust-p2-fs": "rust-p2/fs/src/main.rs",
    "c-p2-files": "c/p2-files.c",
}
ways = pytest.mark.parametrize("way", ["openat2", "walk"])
CALL_EVERYTHING = ["rust-files", "rust-p2-files"]
BY_NAME = {
    "no-mounts",
    "read-only",
    "several-mounts",
    "escapes",
    "file-too-large",
    "many-open",
    "host-made-links",
    "host-made-special-files",
    "host-made-names",
    "load-write",
    "load-read",
    "load-open",
    "load-list",
}


def in_all(name: str) -> list[str]:
    """The cases that a fixture runs unless it is asked for one, as its source has them."""
    source = (FIXTURES / SOURCES[name]).read_text(encoding="utf-8")
    cases = re.findall(r'^ +\{?"([a-z0-9-]+)"(?: =>|, )', source, re.MULTILINE)
    return [case for case in cases if case not in BY_NAME]


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A directory beside /data with a secret in it, which no guest touches."""
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret"
    secret.write_text("secret", encoding="utf-8")
    before = [(path.stat().st_mtime_ns, path.stat().st_nlink) for path in (outside, secret)]
    yield outside
    assert [(path.stat().st_mtime_ns, path.stat().st_nlink) for path in (outside, secret)] == before
    assert secret.read_text(encoding="utf-8") == "secret"


@pytest.fixture
def data(tmp_path: Path, outside: Path) -> Path:
    """The directory that guests get as /data."""
    data = tmp_path / "data"
    data.mkdir()
    return data


def filled(directory: Path) -> Path:
    """The directory, with what guests expect in one that they may only read."""
    (directory / "dir").mkdir(parents=True)
    (directory / "x.txt").write_text("hello", encoding="utf-8")
    return directory


def check(name: str, case: str, files: Mapping[str, FileSystem | Path]) -> None:
    assert run(name, files=files, CASE=case) == f"ok {case}\n"


@pytest.mark.parametrize("name", ["rust-files", "rust-p2-fs"])
def test_load_for_benchmarks_says_how_much_it_did(name: str, data: Path) -> None:
    for case, figure in (("write", "bytes=100000"), ("read", "bytes=100000"), ("open", "calls=7"), ("list", "calls=8")):
        printed = run(name, files={"/data": data}, CASE=f"load-{case}", BYTES=100_000, COUNT=7)
        assert re.fullmatch(rf"{case} {figure} ns=\d+\nok load-{case}\n", printed)


@pytest.mark.parametrize(("name", "case"), [(name, case) for name in SOURCES for case in in_all(name)])
def test_each_case(name: str, case: str, data: Path) -> None:
    check(name, case, {"/data": data})


@pytest.mark.slow
@ways
@pytest.mark.parametrize("name", SOURCES)
def test_all_cases_in_one_run(name: str, way: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both_ways(monkeypatch, way)
    assert run(name, files={"/data": data}) == "".join(f"ok {case}\n" for case in in_all(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rust-files", "rust-p2-fs"])
def test_all_cases_under_a_policy_that_allows_them(name: str, data: Path) -> None:
    policy = Rules(files=["/data/**", "deny **/.git/**"])
    assert run(name, files={"/data": data}, policy=policy) == "".join(f"ok {case}\n" for case in in_all(name))


# Not "append": it writes by two streams in turn, which have no order among each other in threads.
@pytest.mark.parametrize("case", ["write", "file-to-file", "read-directory", "rename", "stat"])
def test_a_case_in_threads(case: str, data: Path) -> None:
    check("rust-files", case, {"/data": Directory(data, threads=True)})


@pytest.mark.slow
def test_all_cases_of_std_in_threads(data: Path) -> None:
    files = {"/data": Directory(data, threads=True)}
    assert run("rust-p2-fs", files=files) == "".join(f"ok {case}\n" for case in in_all("rust-p2-fs"))


def test_a_policy_may_take_time(data: Path) -> None:
    asked = []

    async def allowed(path: str, use: FileUse, context: PolicyContext) -> bool:
        await asyncio.sleep(0)
        asked.append(path)
        return True

    filled(data)
    files: dict[str, Directory | Path] = {"/data": Directory(data, read_only=True)}
    assert run("rust-files", files=files, policy=Rules(files=allowed), CASE="read-only") == "ok read-only\n"
    assert asked


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_is_given_by_default(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(filled(tmp_path))
    check(name, "no-mounts", {})


@pytest.mark.parametrize("name", SOURCES)
def test_a_read_only_directory_is_read_and_not_changed(name: str, data: Path) -> None:
    filled(data)
    before = data.stat()
    check(name, "read-only", {"/data": Directory(data, read_only=True)})
    assert sorted(path.name for path in data.iterdir()) == ["dir", "x.txt"]
    assert (data.stat().st_mtime_ns, list((data / "dir").iterdir())) == (before.st_mtime_ns, [])


@pytest.mark.parametrize("name", CALL_EVERYTHING)
def test_several_directories_each_with_its_rights(name: str, data: Path, tmp_path: Path) -> None:
    cache, src = tmp_path / "cache", filled(tmp_path / "src")
    cache.mkdir()
    check(name, "several-mounts", {"/data": data, "/cache": cache, "/src": Directory(src, read_only=True)})
    assert sorted(path.name for path in src.iterdir()) == ["dir", "x.txt"]


@pytest.fixture
def with_links_out(data: Path, outside: Path) -> Path:
    """/data with links that lead out of it, which only the host can make."""
    (data / "absolute").symlink_to(outside / "secret")
    (data / "relative").symlink_to("../outside/secret")
    (data / "absolute-directory").symlink_to(outside)
    (data / "relative-directory").symlink_to("../outside")
    return data


@ways
@pytest.mark.parametrize("name", CALL_EVERYTHING)
def test_links_that_the_host_made_lead_nowhere_outside(
    name: str, way: str, with_links_out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_ways(monkeypatch, way)
    check(name, "host-made-links", {"/data": with_links_out})


@ways
def test_std_does_not_escape(way: str, with_links_out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both_ways(monkeypatch, way)
    check("rust-p2-fs", "escapes", {"/data": with_links_out})


@pytest.mark.parametrize("name", CALL_EVERYTHING)
def test_fifos_and_sockets_hold_nothing_up(name: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(data / "pipe")
    monkeypatch.chdir(data)  # the path of a socket may have 107 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        check(name, "host-made-special-files", {"/data": data})


@pytest.mark.parametrize("name", CALL_EVERYTHING)
def test_names_that_are_no_utf_8_are_an_error(name: str, data: Path) -> None:
    filled(data)
    (data / "dir/x.txt").touch()
    open(os.fsencode(data / "dir") + b"/\xff", "wb").close()
    os.symlink(b"\xff", os.fsencode(data / "link"))
    check(name, "host-made-names", {"/data": data})


@contextlib.contextmanager
def limited(what: int, soft: int) -> Iterator[None]:
    """Meanwhile the system gives this process no more of it."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


@pytest.mark.parametrize("name", CALL_EVERYTHING)
def test_a_file_grows_to_what_the_system_allows_and_no_further(name: str, data: Path) -> None:
    with limited(resource.RLIMIT_FSIZE, 4_000_000):
        check(name, "file-too-large", {"/data": data})


@pytest.mark.slow
@pytest.mark.parametrize("name", CALL_EVERYTHING)
def test_a_guest_may_have_thousands_of_files_open_and_then_is_refused(name: str, data: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = min(hard, 40_100) if hard != resource.RLIM_INFINITY else 40_100
    with limited(resource.RLIMIT_NOFILE, soft):  # a guest has a quarter of them
        assert run(name, files={"/data": data}, CASE="many-open", COUNT=soft // 4 - 20) == "ok many-open\n"


@pytest.mark.slow
async def test_quotas_let_a_guest_have_all_descriptors_that_there_are(data: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = min(hard, 10_400) if hard != resource.RLIM_INFINITY else 10_400
    quotas = Quotas(open_files=soft)
    with limited(resource.RLIMIT_NOFILE, soft):
        env = {"CASE": "many-open", "COUNT": soft - 400}
        assert await Guest("rust-files", files={"/data": data}, quotas=quotas, env=env).run_async() == "ok many-open\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rust-files", "rust-p2-fs", "c-p2-files"])
async def test_a_recorded_run_is_replayed_without_its_files(name: str, data: Path) -> None:
    recording = Recording()
    policy = Rules(files=["/data/**"])
    printed = await Guest(name, files={"/data": data}, policy=policy, recording=recording, seed=1).run_async()
    assert await Guest(name, files=ReplayFiles(recording), seed=1).run_async() == printed
