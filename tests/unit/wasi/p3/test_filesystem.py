"""wasi:filesystem 0.3: error-codes, how streams and their futures end, and what is no stream."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.wasi.filesystem.trees import at_once, make_tree, open_files
from wasihost._base.streams import ByteSink, GuestStream
from wasihost._component.values import Err, Ok, WitError
from wasihost._wasi.filesystem.directory import Directory
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags, PathFlags
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.p3.clocks.system_clock import Instant
from wasihost._wasi.p3.filesystem.descriptor import Descriptor
from wasihost._wasi.p3.filesystem.errors import Code, ErrorCode, error_code
from wasihost._wasi.p3.filesystem.preopens import Preopens
from wasihost._wasi.p3.filesystem.records import DescriptorType, NewTimestamp
from wasihost._wasi.p3.streams import EndedSource, EndedValues, ResultFuture

WIT = (Path(__file__).parents[4] / "wit/0.3/deps/filesystem.wit").read_text(encoding="utf-8")
ENUM = WIT[WIT.index("variant error-code {") : WIT.index("enum advice")]
SIMILAR = [
    (name, code)
    for line, code in re.findall(r"similar to ([^\n]*) in POSIX\.\n\s+([a-z-]+),", ENUM)
    for name in re.findall(r"E[A-Z]+", line)
]
NO_FLAGS = PathFlags(0)


class Given(GuestStream[int]):
    """The readable end of a stream that a guest passes."""

    sink: ByteSink | None = None
    is_closed = False

    async def read(self, n: int = 65536) -> bytes:
        raise NotImplementedError

    def forward(self, sink: ByteSink) -> None:
        self.sink = sink

    def close(self) -> None:
        self.is_closed = True

    def __aiter__(self) -> AsyncIterator[bytes | int]:
        raise NotImplementedError


OPENED: list[Descriptor] = []
"""What a test opens, which is dropped at its end."""


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    yield make_tree(tmp_path)
    while OPENED:
        OPENED.pop().drop()


def _preopened(base: Path, *, read_only: bool = False) -> Descriptor:
    ((found, name),) = Preopens(Mounts({"/data": Directory(base, read_only=read_only)})).get_directories()
    assert name == "/data"
    return found


def _open(directory: Descriptor, path: str, flags: DescriptorFlags = DescriptorFlags.READ) -> Descriptor:
    OPENED.append(at_once(directory.open_at(NO_FLAGS, path, OpenFlags(0), flags)))
    return OPENED[-1]


def _failed(done: ResultFuture) -> Any:
    result = done.result()
    assert isinstance(result, Err)
    return result.value


@pytest.mark.parametrize(("name", "code"), SIMILAR)
def test_every_errno_is_the_code_that_is_similar_to_it(name: str, code: str) -> None:
    if not hasattr(errno, name):
        pytest.skip(f"this platform has no {name}")
    assert error_code(OSError(getattr(errno, name), "")).case == code


def test_every_code_but_other_is_similar_to_an_errno() -> None:
    assert {cls.case for cls in Code.__subclasses__()} == {code for _, code in SIMILAR} | {"other"}


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ESTALE, errno.EAGAIN, 0])
def test_what_has_no_code_is_io(code: int) -> None:
    assert error_code(OSError(code, "")) == ErrorCode.Io()


async def test_reading_a_directory_is_an_ended_stream_and_is_directory(base: Path) -> None:
    source, done = _preopened(base).read_via_stream(0)
    assert isinstance(source, EndedSource)
    assert _failed(done) == ErrorCode.IsDirectory()


async def test_entries_of_a_file_are_an_ended_stream_and_not_directory(base: Path) -> None:
    source, done = _open(_preopened(base), "f").read_directory()
    assert isinstance(source, EndedValues)
    assert _failed(done) == ErrorCode.NotDirectory()


async def test_a_refused_write_closes_what_the_guest_writes(base: Path) -> None:
    read_only = _preopened(base, read_only=True)
    for descriptor, code in (
        (_preopened(base), ErrorCode.BadDescriptor()),
        (_open(read_only, "f"), ErrorCode.NotPermitted()),
    ):
        for begin in (lambda data, d=descriptor: d.write_via_stream(data, 0), descriptor.append_via_stream):
            data = Given()
            done = begin(data)
            assert (data.sink, data.is_closed, _failed(done)) == (None, True, code)


ENDS = [(None, Ok()), (OSError(errno.ENOSPC, ""), Err(ErrorCode.InsufficientSpace()))]


@pytest.mark.parametrize(("error", "result"), ENDS)
async def test_the_future_is_how_the_stream_ended(base: Path, error: OSError | None, result: object) -> None:
    file, data = _open(_preopened(base), "f", DescriptorFlags.READ | DescriptorFlags.WRITE), Given()
    source, read = file.read_via_stream(0)
    written = file.append_via_stream(data)
    assert data.sink is not None
    for end in (source, data.sink):
        end.close(error)
    assert [read.result(), written.result()] == [result, result]


async def test_streams_hold_the_file_until_the_last_of_them_ends(base: Path) -> None:
    directory = _preopened(base)
    before = open_files()
    file, data = at_once(directory.open_at(NO_FLAGS, "f", OpenFlags(0), DescriptorFlags.WRITE)), Given()
    source, _ = file.read_via_stream(0)
    file.append_via_stream(data)
    (opened,) = open_files() - before
    assert data.sink is not None
    for close in (file.drop, lambda: source.close(None)):
        close()
        assert opened in open_files()
    data.sink.close(None)
    assert opened not in open_files()


async def test_a_stream_that_the_event_loop_gave_up_resolves_nothing(base: Path) -> None:
    source, done = _open(_preopened(base), "f").read_via_stream(0)
    done.cancel()
    source.close(None)
    assert done.cancelled()


async def test_a_name_that_is_not_utf_8_ends_the_entries_after_those_before_it(base: Path) -> None:
    os.mkdir(os.fsencode(base / "dir") + b"/\xff")
    source, done = _open(_preopened(base), "dir").read_directory()
    found: list[Any] = []
    with pytest.raises(OSError, match="Invalid or incomplete multibyte") as caught:
        found.extend(entry for part in iter(source.read, ()) for entry in part)
    source.close(caught.value)
    assert {entry.name for entry in found} <= {"x", "back"}
    assert _failed(done) == ErrorCode.IllegalByteSequence()


async def test_entries_come_in_parts_until_there_are_none(base: Path) -> None:
    for number in range(1100):
        (base / "dir" / f"n{number}").touch()
    source, done = _open(_preopened(base), "dir").read_directory()
    parts = []
    while more := source.read():
        parts.append(more)
    source.close(None)
    assert [len(part) for part in parts] == [1024, 78]
    assert {entry.name for part in parts for entry in part} >= {"n0", "n1099", "x", "back"}
    assert done.result() == Ok()


def test_preopens_give_new_descriptors_each_time_and_take_no_file(base: Path) -> None:
    preopens = Preopens(Mounts({"/a": Directory(base), "": Directory(base / "dir")}))
    before = open_files()
    first, second = preopens.get_directories(), preopens.get_directories()
    assert [name for _, name in first] == ["/a", ""]
    assert first[0][0] is not second[0][0]
    assert first[0][0].is_same_object(second[0][0])
    assert not first[0][0].is_same_object(first[1][0])
    for descriptor, _ in first:
        descriptor.drop()
    assert at_once(second[0][0].stat()).type == DescriptorType.Directory()
    assert open_files() == before


def test_times_before_1970_are_negative_seconds(base: Path) -> None:
    directory = _preopened(base)
    times = NewTimestamp.Timestamp(Instant(-5, 7)), NewTimestamp.Timestamp(Instant(0, 3_000_000_000))
    directory.set_times_at(NO_FLAGS, "f", *times)
    found = at_once(directory.stat_at(NO_FLAGS, "f"))
    assert (found.data_access_timestamp, found.data_modification_timestamp) == (Instant(-5, 7), Instant(3, 0))


def test_seconds_that_overflow_are_refused_before_anything_else(base: Path) -> None:
    file = _open(_preopened(base, read_only=True), "f")
    late = NewTimestamp.Timestamp(Instant((1 << 63) - 1, 1_000_000_000))
    with pytest.raises(WitError) as caught:
        file.set_times(late, late)
    assert caught.value.value == ErrorCode.Overflow()
    with pytest.raises(WitError) as caught:
        file.set_times_at(NO_FLAGS, "", late, late)
    assert caught.value.value == ErrorCode.Overflow()
