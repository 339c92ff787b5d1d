"""Descriptors of guests: what they are, what their mounts allow, and operations on a directory of the host."""

from __future__ import annotations

import logging
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.wasi.filesystem.trees import at_once, code_of, descriptor, make_tree, open_files
from wasihost._base.errors import ConfigError
from wasihost._wasi.filesystem.descriptor import Descriptor
from wasihost._wasi.filesystem.directory import Directory
from wasihost._wasi.filesystem.flags import Advice, DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.metadata import Kind, When

NONE = OpenFlags(0)
READ, WRITE = DescriptorFlags.READ, DescriptorFlags.WRITE


def _ignore(_error: BaseException | None) -> None:
    pass


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_tree(tmp_path)


@contextmanager
def _opened(guest: Descriptor, path: str, use: DescriptorFlags = READ, how: OpenFlags = NONE) -> Iterator[Descriptor]:
    found = at_once(guest.open(path, False, how, use))
    try:
        yield found
    finally:
        found.close()


def _methods_of_directories(guest: Descriptor, other: Descriptor) -> dict[str, tuple[Any, ...]]:
    return {
        "open": (guest.open, "x", False, NONE, READ),
        "entries": (guest.entries,),
        "stat_at": (guest.stat_at, "x", False),
        "set_times_at": (guest.set_times_at, "x", False, When.NOW, When.NOW),
        "create_directory": (guest.create_directory, "y"),
        "remove_directory": (guest.remove_directory, "y"),
        "remove_file": (guest.remove_file, "y"),
        "rename": (guest.rename, "x", other, "y"),
        "link": (guest.link, "x", False, other, "y"),
        "symlink": (guest.symlink, "x", "y"),
        "readlink": (guest.readlink, "x"),
    }


def test_a_method_of_directories_is_not_directory_for_a_file(base: Path) -> None:
    guest = descriptor(base)
    with _opened(guest, "f") as file:
        found = {name: code_of(*call) for name, call in _methods_of_directories(file, guest).items()}
    assert set(found.values()) == {"ENOTDIR"}


def test_a_method_of_files_is_bad_descriptor_for_a_directory(base: Path) -> None:
    guest = descriptor(base)
    calls: dict[str, tuple[Any, ...]] = {
        "sink": (guest.sink, 0, _ignore),
        "append": (guest.sink, None, _ignore),
        "read": (guest.read, 1, 0),
        "write": (guest.write, b"", 0),
        "advise": (guest.advise, 0, 0, Advice.NORMAL),
        "set_size": (guest.set_size, 0),
    }
    assert {name: code_of(*call) for name, call in calls.items()} == dict.fromkeys(calls, "EBADF")
    assert code_of(guest.source, 0, _ignore) == "EISDIR"


def test_a_read_only_mount_refuses_every_change(base: Path) -> None:
    guest, writable = descriptor(base, read_only=True), descriptor(base)
    changing = "set_times_at create_directory remove_directory remove_file rename link symlink".split()
    calls = _methods_of_directories(guest, writable)
    assert {code_of(*calls[name]) for name in changing} == {"EPERM"}
    into = _methods_of_directories(writable, guest)
    assert {code_of(*into[name]) for name in ("rename", "link")} == {"EPERM"}
    for how, use in ((OpenFlags.CREATE, READ), (OpenFlags.TRUNCATE, READ), (NONE, WRITE)):
        assert code_of(guest.open, "f", False, how, use) == "EPERM"
    with _opened(guest, "f") as file:
        written = (file.write, b"x", 0), (file.sink, 0, _ignore), (file.set_size, 0)
        assert {code_of(*call) for call in (*written, (file.set_times, When.NOW, When.NOW))} == {"EPERM"}
        assert file.read(100, 0) == b"content"
    assert (base / "f").read_text() == "content"


@pytest.mark.parametrize(
    ("how", "use", "flags"),
    [
        (NONE, DescriptorFlags(0), READ),
        (NONE, READ, READ),
        (NONE, WRITE, WRITE),
        (NONE, READ | WRITE, READ | WRITE),
        (OpenFlags.CREATE, READ, READ | WRITE),
        (OpenFlags.TRUNCATE, DescriptorFlags(0), READ | WRITE),
        (OpenFlags.TRUNCATE, WRITE, WRITE),
        (OpenFlags.EXCLUSIVE, READ, READ),
        (NONE, WRITE | DescriptorFlags.DATA_INTEGRITY_SYNC, WRITE | DescriptorFlags.DATA_INTEGRITY_SYNC),
    ],
)
def test_a_file_can_do_what_its_flags_say(
    base: Path, how: OpenFlags, use: DescriptorFlags, flags: DescriptorFlags
) -> None:
    with _opened(descriptor(base), "f", use, how) as file:
        assert file.flags == flags
        assert code_of(file.read, 1, 0) == ("ok" if READ in flags else "EBADF")
        assert code_of(file.write, b"x", 0) == ("ok" if WRITE in flags else "EBADF")
        assert code_of(file.set_size, 0) == ("ok" if WRITE in flags else "EINVAL")


@pytest.mark.parametrize("wrong", [OpenFlags.CREATE, OpenFlags.EXCLUSIVE, OpenFlags.TRUNCATE])
def test_a_directory_is_not_created_by_open(base: Path, wrong: OpenFlags) -> None:
    assert code_of(descriptor(base).open, "dir", False, OpenFlags.DIRECTORY | wrong, READ) == "EINVAL"


def test_a_directory_is_opened_with_its_flags(base: Path) -> None:
    guest = descriptor(base)
    with _opened(guest, "dir", READ | DescriptorFlags.MUTATE_DIRECTORY) as directory:
        assert directory.flags == READ | DescriptorFlags.MUTATE_DIRECTORY
    with _opened(guest, "dir") as directory:
        assert directory.flags == READ
        directory.create_directory("made")
    assert code_of(guest.open, "dir", False, NONE, WRITE) == "EISDIR"
    assert code_of(guest.open, "f", False, OpenFlags.DIRECTORY, READ) == "ENOTDIR"
    assert (base / "dir" / "made").is_dir()


def test_offsets_from_two_to_the_63rd_on_are_invalid(base: Path) -> None:
    with _opened(descriptor(base), "f", READ | WRITE) as file:
        calls = (file.read, 1, 1 << 63), (file.write, b"x", (1 << 64) - 1), (file.set_size, 1 << 63)
        assert [code_of(*call) for call in calls] == ["EINVAL"] * 3
        advice = [code_of(file.advise, *numbers, Advice.WILL_NEED) for numbers in ((0, 1 << 63), (1 << 63, 0))]
        assert advice == ["EINVAL", "ok"]


def test_a_read_gives_at_most_64_kib(base: Path) -> None:
    (base / "big").write_bytes(bytes(100_000))
    with _opened(descriptor(base), "big") as file:
        asked = ((1 << 40, 0), (10, 99_995), (0, 0))
        assert [len(at_once(file.read(length, offset))) for length, offset in asked] == [65536, 5, 0]


def test_a_source_reads_on_after_its_descriptor_is_closed(base: Path) -> None:
    guest = descriptor(base)
    before = open_files()
    ends: list[BaseException | None] = []
    file = at_once(guest.open("f", False, NONE, READ))
    source = file.source(3, ends.append)
    file.close()
    buffer = memoryview(bytearray(100))
    assert [bytes(buffer[: source.read_into(buffer)]) for _ in range(3)] == [b"tent", b"", b""]
    source.close(None)
    assert ends == [None]
    assert open_files() <= before


def test_sinks_write_at_their_own_offsets_and_at_the_end(base: Path) -> None:
    with _opened(descriptor(base), "f", WRITE) as file:
        at, end = file.sink(2, _ignore), file.sink(None, _ignore)
        for sink, content in ((at, b"12"), (end, b"!"), (at, b"34"), (end, b"?")):
            assert sink.write(memoryview(content)) == len(content)
        at.close(None)
        end.close(None)
    assert (base / "f").read_bytes() == b"co1234t!?"


def test_what_is_written_beyond_the_end_is_preceded_by_zeros(base: Path) -> None:
    with _opened(descriptor(base), "new", WRITE, OpenFlags.CREATE) as file:
        assert file.write(b"x", 3) == 1
    assert (base / "new").read_bytes() == b"\0\0\0x"


def test_a_fifo_and_a_socket_never_make_the_host_wait(base: Path) -> None:
    os.mkfifo(base / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(base / "socket"))
        guest = descriptor(base)
        with _opened(guest, "fifo") as fifo:
            assert at_once(fifo.stat()).kind is Kind.FIFO
            assert code_of(fifo.read, 1, 0) == "ESPIPE"
            assert code_of(fifo.advise, 0, 0, Advice.NORMAL) == "ESPIPE"
        assert code_of(guest.open, "fifo", False, NONE, WRITE) == "ENXIO"
        assert code_of(guest.open, "socket", False, NONE, READ) == "ENXIO"
        assert at_once(guest.stat_at("socket", True)).kind is Kind.SOCKET
        for name in ("fifo", "socket"):
            guest.set_times_at(name, True, 1_000_000_000, When.NO_CHANGE)
            assert at_once(guest.stat_at(name, False)).accessed_ns == 1_000_000_000
        assert ("fifo", Kind.FIFO) in at_once(guest.entries())


def test_times_are_set_one_by_one_and_may_lie_before_1970(base: Path) -> None:
    guest = descriptor(base)
    guest.set_times_at("lf", True, -5_000_000_000 + 7, 1)
    guest.set_times_at("f", False, When.NO_CHANGE, When.NO_CHANGE)
    found = at_once(guest.stat_at("f", False))
    assert (found.accessed_ns, found.modified_ns) == (-5_000_000_000 + 7, 1)
    guest.set_times_at("lf", False, 3, 4)
    link = at_once(guest.stat_at("lf", False))
    assert (link.kind, link.modified_ns) == (Kind.SYMBOLIC_LINK, 4)
    assert at_once(guest.stat_at("f", False)).modified_ns == 1
    with _opened(guest, "f") as file:
        file.set_times(When.NO_CHANGE, When.NOW)
        later = at_once(file.stat())
    assert later.accessed_ns == found.accessed_ns
    assert (later.modified_ns or 0) > 1_600_000_000_000_000_000
    guest.set_times(9, 9)
    assert at_once(guest.stat()).modified_ns == 9


RENAMES = [
    ("f", "f", "ok"),
    ("f", "new", "ok"),
    ("f", "lf", "ok"),
    ("f", "dir", "EISDIR"),
    ("dir", "f", "ENOTDIR"),
    ("dir", "empty", "ok"),
    ("dir", "full", "ENOTEMPTY"),
    ("dir", "dir/in", "EINVAL"),
    ("dir/", "new/", "ok"),
    ("dir", "new/", "ok"),
    ("f/", "new", "ENOTDIR"),
    ("f", "new/", "ENOTDIR"),
    ("lf/", "new", "ENOTDIR"),
    ("ld/", "new", "ENOTDIR"),
    (".", "new", "EBUSY"),
    ("dir/.", "new", "EBUSY"),
    ("dir", "full/..", "EBUSY"),
    ("f", "q/.", "ENOENT"),
    ("esc", "new", "ok"),
    ("f", "escd/new", "EPERM"),
    ("escd/secret", "new", "EPERM"),
    ("f", "../new", "EPERM"),
    ("nope", "new", "ENOENT"),
]


@pytest.mark.parametrize(("old", "new", "code"), RENAMES)
def test_rename(base: Path, old: str, new: str, code: str) -> None:
    (base / "empty").mkdir()
    (base / "full" / "x").mkdir(parents=True)
    assert code_of(descriptor(base).rename, old, descriptor(base), new) == code
    assert (base.parent / "out" / "secret").read_text() == "secret"


LINKS = [
    ("f", "new", "ok"),
    ("f", "lf", "EEXIST"),
    ("f", "new/", "ENOENT"),
    ("f/", "new", "ENOTDIR"),
    ("dir", "new", "EPERM"),
    ("nope", "new", "ENOENT"),
    ("escd/secret", "new", "EPERM"),
    ("f", "escd/new", "EPERM"),
]


@pytest.mark.parametrize(("old", "new", "code"), LINKS)
def test_link(base: Path, old: str, new: str, code: str) -> None:
    assert code_of(descriptor(base).link, old, False, descriptor(base), new) == code


def test_a_hard_link_of_a_symbolic_link_is_one_to_the_link_itself(base: Path) -> None:
    guest = descriptor(base)
    guest.link("esc", False, guest, "new")
    assert guest.readlink("new") == "../out/secret"
    assert (base.parent / "out" / "secret").stat().st_nlink == 1
    assert code_of(guest.link, "esc", True, guest, "other") == "EINVAL"


SYMLINKS = [
    ("/etc", "new", "EPERM"),
    ("", "new", "ENOENT"),
    ("a\0b", "new", "EINVAL"),
    ("../..", "new", "ok"),
    ("f", "dangling", "EEXIST"),
    ("f", "dir/", "EEXIST"),
    ("f", "f/", "ENOTDIR"),
    ("f", "new/", "ENOENT"),
]


@pytest.mark.parametrize(("content", "path", "code"), SYMLINKS)
def test_symlink(base: Path, content: str, path: str, code: str) -> None:
    assert code_of(descriptor(base).symlink, content, path) == code


def test_entries_have_kinds_and_neither_dot_nor_dot_dot(base: Path) -> None:
    (base / "dir" / "sub").mkdir()
    with _opened(descriptor(base), "dir") as directory:
        for _ in range(2):
            entries = at_once(directory.entries())
            found = dict(entries)
            entries.close()
            assert found == {"x": Kind.REGULAR_FILE, "back": Kind.SYMBOLIC_LINK, "sub": Kind.DIRECTORY}


def test_a_removed_directory_is_empty(base: Path) -> None:
    (base / "gone").mkdir()
    with _opened(descriptor(base), "gone") as directory:
        (base / "gone").rmdir()
        entries = at_once(directory.entries())
        assert list(entries) == []
        entries.close()
        assert code_of(directory.create_directory, "new") == "ENOENT"


def test_a_name_that_is_not_utf_8_is_an_illegal_byte_sequence(base: Path) -> None:
    os.symlink(b"\xff", os.fsencode(base) + b"/link")
    assert code_of(descriptor(base).readlink, "link") == "EILSEQ"


def test_a_hash_is_of_the_file_whatever_its_name_and_content(base: Path) -> None:
    guest = descriptor(base)
    guest.link("f", False, guest, "hard")
    first = guest.identity_hash_at("f", False)
    (base / "f").write_text("changed")
    with _opened(guest, "hard") as file:
        assert {first, guest.identity_hash_at("lf", True), file.identity_hash()} == {first}
    assert guest.identity_hash_at("dir/x", False) != first


def test_sync_works_on_files_and_directories(base: Path) -> None:
    guest = descriptor(base)
    with _opened(guest, "f") as file:
        assert [code_of(each.sync, whole) for each in (guest, file) for whole in (False, True)] == ["ok"] * 4


def test_a_device_that_is_full_has_no_space(base: Path) -> None:
    with _opened(descriptor(Path("/dev")), "full", WRITE) as file:
        assert code_of(file.write, b"x", 0) == "ENOSPC"
        sink = file.sink(None, _ignore)
        with pytest.raises(OSError, match="No space left"):
            sink.write(memoryview(b"x"))
        sink.close(None)


def test_a_file_beyond_the_limit_of_the_process_is_too_large(base: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with _opened(descriptor(base), "f", WRITE) as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        try:
            assert file.write(b"x" * 20, 0) == 10
            assert [code_of(file.write, b"x", 10), code_of(file.set_size, 11)] == ["EFBIG", "EFBIG"]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_guest_may_open_a_quarter_of_what_the_process_may(
    base: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (16, 16))
    guest = descriptor(base)
    opened = [guest.open("f", False, NONE, READ) for _ in range(4)]
    with caplog.at_level(logging.WARNING, "wasihost.files"):
        assert [code_of(guest.open, "f", False, NONE, READ), code_of(guest.entries)] == ["EMFILE", "EMFILE"]
    assert [record.getMessage() for record in caplog.records] == [
        "no file is opened: a guest may hold 4 of this process's 16 descriptors; raise that with Quotas(open_files=...)"
    ]
    for each in opened:
        each.close()
    assert code_of(guest.open, "f", False, NONE, READ) == "ok"


def test_every_descriptor_is_closed_in_a_program_that_is_started(base: Path) -> None:
    before = open_files()
    guest = descriptor(base)
    file = guest.open("ld/x", True, NONE, READ)
    entries = at_once(guest.entries())
    assert not any(os.get_inheritable(int(fd)) for fd in open_files() - before if os.path.exists(f"/proc/self/fd/{fd}"))
    entries.close()
    file.close()


def test_refusals_are_logged_once_with_the_option_that_would_allow_them(
    base: Path, caplog: pytest.LogCaptureFixture
) -> None:
    guest = descriptor(base, read_only=True)
    with caplog.at_level(logging.WARNING, "wasihost.files"):
        for _ in range(2):
            code_of(guest.create_directory, "new\n")
            code_of(guest.stat_at, "esc", True)
    changing, following = (record.getMessage() for record in caplog.records)
    assert changing == "refused to change 'new\\n' in '/': it is read-only (--dir HOST::/, without ::ro)"
    assert following == "refused to follow 'esc' in '/': it leads out (--dir for a directory that contains both)"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("base/f", "Not a directory"),
        ("nowhere", "No such file or directory"),
        ("a\0b", "embedded null"),
        (5, "not int"),
    ],
)
def test_what_is_no_directory_is_named_at_once(
    base: Path, monkeypatch: pytest.MonkeyPatch, path: Any, reason: str
) -> None:
    monkeypatch.chdir(base.parent)
    with pytest.raises(ConfigError, match=reason) as caught:
        Directory(path)
    assert str(caught.value).startswith(f"Directory({path!r}) cannot be opened: ")


def test_a_directory_is_what_it_was_when_it_was_made(base: Path) -> None:
    guest = descriptor(base / "dir")
    (base / "dir").rename(base / "moved")
    (base / "dir").symlink_to("../out")
    assert sorted(name for name, _ in at_once(guest.entries())) == ["back", "x"]
