"""`rust-cli`, `rust-cat` and `c-cli-methods`: every function of wasi:cli, and every error of it."""

from __future__ import annotations

import asyncio
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.guests.harness import Output, c_cases, load, passes, rust_cases
from wasihost import GuestExit, Host

CASES = """
    environment-twice terminals-twice stdout-in-order stdout-large stdout-empty stdin-not-read stdin-continued
    stdin-shared
""".split()
ONLY_BY_NAME = """
    environment exit-ok exit-err exit-with-code return-err terminals lines read-a-little stdin-fails stdout-fails
""".split()
INPUT = b"0123456789abcdef and more"


def _run(
    case: str, name: str = "rust-cli", *, stdin: Any = INPUT, env: dict[str, str] | None = None, **more: Any
) -> str:
    """What the guest printed; fails if it ended badly."""
    printed, complained = Output(), Output()
    more.setdefault("stdout", printed)
    try:
        Host(stdin=stdin, stderr=complained, env={"CASE": case} | (env or {}), **more).run(load(name))
    except GuestExit as end:
        pytest.fail(f"{end}: {complained}")
    return str(printed)


def test_the_list_of_cases_is_complete() -> None:
    assert rust_cases("rust-cli") == CASES + ONLY_BY_NAME


@pytest.mark.parametrize("case", CASES)
def test_rust(case: str) -> None:
    assert _run(case).endswith(f"ok {case}\n")


def test_all_cases_in_one_run() -> None:
    printed = _run("all").splitlines()
    assert [line for line in printed if line.startswith("ok ")] == [f"ok {case}" for case in CASES]
    assert "one two three" in printed
    assert [letter * 65535 for letter in "abcd"] == [line for line in printed if len(line) == 65535]


def test_c() -> None:
    assert _run("", "c-cli-methods", args=["guest"]).splitlines() == [f"ok {name}" for name in c_cases("c-cli-methods")]


# ---- environment


def test_the_guest_is_told_what_the_host_was_told() -> None:
    printed = _run("environment", args=["guest", "", "ünï"], cwd="/somewhere", env={"A": "1", "B": "x=y"})
    assert printed.splitlines() == [
        '["guest", "", "ünï"]',
        '[("A", "1"), ("B", "x=y")]',
        'Some("/somewhere")',
        "ok environment",
    ]


def test_the_guest_is_told_nothing_by_default() -> None:
    assert _run("environment").splitlines()[:3] == ["[]", "[]", "None"]


# ---- ends


@pytest.mark.parametrize(
    ("case", "code"),
    [("exit-ok", 0), ("exit-err", 1), ("return-err", 1), *(("exit-with-code", n) for n in (0, 7, 255))],
)
def test_the_embedder_gets_the_exit_code(case: str, code: int) -> None:
    printed = Output()
    host = Host(env={"CASE": case, "CODE": str(code)}, stdout=printed, stderr=lambda data: None)
    if code:
        with pytest.raises(GuestExit) as caught:
            host.run(load("rust-cli"))
        assert caught.value.code == code
    else:
        host.run(load("rust-cli"))
    assert str(printed) == ("written before the exit\n" if case == "exit-with-code" else "")


@pytest.mark.parametrize(("how", "code"), [("ok", 0), ("err", 1), ("9", 9)])
def test_a_c_guest_exits(how: str, code: int) -> None:
    host = Host(env={"EXIT": how}, args=["guest"], stdin=b"", stdout=lambda data: None)
    if code:
        with pytest.raises(GuestExit) as caught:
            host.run(load("c-cli-methods"))
        assert caught.value.code == code
    else:
        host.run(load("c-cli-methods"))


# ---- errors


def _failing(code: int) -> Callable[[Any], bytes]:
    def fail(_: Any) -> bytes:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize(
    ("code", "name"),
    [(errno.EPIPE, "pipe"), (errno.EILSEQ, "illegal-byte-sequence"), (errno.EIO, "io"), (errno.ENOSPC, "io")],
)
def test_the_guest_hears_why_a_standard_stream_failed(code: int, name: str) -> None:
    errors = Output()
    host = Host(env={"CASE": "stdin-fails", "ERROR": name}, stdin=_failing(code), stdout=Output(), stderr=errors)
    host.run(load("rust-cli"))
    written: list[bytes] = []

    def write(data: bytes) -> None:
        if b"x" in data:  # the guest's report goes through
            _failing(code)(data)
        written.append(data)

    Host(env={"CASE": "stdout-fails", "ERROR": name}, stdout=write, stderr=errors).run(load("rust-cli"))
    assert str(errors) == "stdout failed as it should\n"
    assert written == [b"ok stdout-fails\n"]


def test_a_directory_as_stdin_gives_io(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        _run("stdin-fails", stdin=fd, env={"ERROR": "io"})
    finally:
        os.close(fd)


def test_an_exception_of_the_embedders_callables_comes_out_as_it_is() -> None:
    def fail(_: object) -> bytes:
        raise KeyError("mine")

    for name in ("stdin", "stdout"):
        with pytest.raises(KeyError, match="mine"):
            Host(**{"stdin": INPUT, name: fail}).run(load("rust-cat"))  # type: ignore[arg-type]


# ---- bytes


@pytest.mark.parametrize("mode", ["copy", "splice"])
@pytest.mark.parametrize("chunk", [1000, 65536, 1 << 20])
def test_bytes_go_through_a_guest_as_they_are(tmp_path: Path, mode: str, chunk: int) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "in").write_bytes(data)
    env = {"MODE": mode, "CHUNK": str(chunk)}
    with (tmp_path / "in").open("rb") as given, (tmp_path / "out").open("wb") as taken:
        Host(stdin=given, stdout=taken, stderr=lambda _: None, env=env).run(load("rust-cat"))
    assert (tmp_path / "out").read_bytes() == data


@pytest.mark.parametrize(
    "make", [lambda data: data, io.BytesIO, lambda data: io.BytesIO(data).read], ids=["bytes", "file", "callable"]
)
def test_stdin_of_every_kind_reaches_the_guest(make: Callable[[bytes], Any]) -> None:
    data = bytes(range(256)) * 1000
    blocks: list[bytes] = []
    Host(stdin=make(data), stdout=blocks.append, stderr=lambda _: None).run(load("rust-cat"))
    assert b"".join(blocks) == data


async def test_a_slow_reader_is_waited_for_and_no_more_is_taken_from_the_guest() -> None:
    reader, writer = os.pipe()
    counted = Output()
    size = 8 << 20
    env = {"MODE": "produce", "BYTES": str(size)}
    async with asyncio.TaskGroup() as group:
        running = group.create_task(Host(stdout=writer, stderr=counted, env=env).run_async(load("rust-cat")))
        received = 0
        while received < size:
            await passes(50)  # more than enough to fill the pipe
            assert received > size // 2 or not running.done()
            received += len(os.read(reader, 1 << 18))
        await running
    assert received == size
    assert str(counted) == f"{size} bytes\n"
    os.close(writer)
    os.close(reader)
