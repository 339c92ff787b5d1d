"""Files in a recording, and played back from it: the same answers, and where something else is done."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from tests.unit.wasi.filesystem.trees import at_once, make_tree
from wasihost import DivergenceError
from wasihost._base.errors import RecordingError
from wasihost._host.recorded_files import RecordedFiles
from wasihost._recording import Recorder, Recording, events
from wasihost._wasi.filesystem.descriptor import Descriptor, preopened
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.metadata import When
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost.files import Directory, FileSystem, MemoryFiles
from wasihost.recording import ReplayFiles

NONE, CREATE = OpenFlags(0), OpenFlags.CREATE
READ, WRITE = DescriptorFlags.READ, DescriptorFlags.WRITE


def _recorded(tree: FileSystem, recording: Recording, guest: int = 0) -> Descriptor:
    def around(name: str, files: FileSystem) -> FileSystem:
        return RecordedFiles(files, name, Recorder(recording, guest))

    ((root, _),) = preopened(Mounts({"/data": tree}, b"key", around=around))
    return root


def _replayed(recording: Recording, **options: Any) -> tuple[FileSystem, Descriptor]:
    files = ReplayFiles(recording, **options)
    ((root, _),) = preopened(Mounts(files, b"key"))
    return files["/data"], root


def _result(call: Any, *args: Any) -> Any:
    """What a call gives, or its error."""
    try:
        found = at_once(call(*args))
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return found


def _everything(guest: Descriptor) -> list[Any]:
    """The answers to one call of each kind, good and bad."""
    file = at_once(guest.open("new", True, CREATE, READ | WRITE))
    directory = at_once(guest.open("dir", True, NONE, READ))
    entries = at_once(directory.entries())
    listed = list(entries)
    entries.close()
    found = [
        *(_result(file.write, b"hello", 0), _result(file.write, b"x", 1 << 63), _result(file.read, 9, 1)),
        *(_result(file.read, 9, 5), _result(file.read, 1, 1 << 63), _result(file.set_size, 2), file.identity_hash()),
        *(file.flags, _result(file.sync, True), _result(file.set_times, 5, When.NO_CHANGE), _result(file.stat).size),
        *(listed, directory.identity_hash(), _result(directory.stat).kind),
        *(_result(guest.readlink, "lf"), _result(guest.readlink, "f"), _result(guest.readlink, "abs")),
        *(_result(guest.identity_hash_at, "lf", True), _result(guest.stat_at, "nope", True)),
        *(_result(guest.create_directory, "made"), _result(guest.remove_directory, "dir")),
        *(_result(guest.rename, "new", directory, "x"), _result(guest.link, "f", False, directory, "f")),
        *(
            _result(guest.symlink, "f", "link"),
            _result(guest.remove_file, "link"),
            _result(guest.open, "..", True, NONE, READ),
        ),
    ]
    file.close()
    directory.close()
    return found


def test_a_guest_gets_the_same_answers_without_the_files(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    base = make_tree(tmp_path / "base")
    (base / "dir" / b"\xff".decode(errors="surrogateescape")).touch()
    recording = Recording()
    found = _everything(_recorded(Directory(base), recording))
    recording.save(tmp_path / "run.jsonl")
    files, root = _replayed(Recording.load(tmp_path / "run.jsonl"))
    assert _everything(root) == found
    files.finish()


def test_what_happens_to_a_file_is_in_the_recording() -> None:
    recording = Recording()
    guest = _recorded(MemoryFiles({"/a": b"hello"}, read_only=True), recording)
    file = at_once(guest.open("./a", True, NONE, READ))
    at_once(file.read(3, 1))
    file.close()
    _result(guest.stat_at, "b", False)
    given, opened, *others = [_fields(event) for event in recording.events]
    assert given[:-1] == ("directory-given", 1, "/data", True)
    assert opened[:4] == ("file-called", 1, "open", ("./a", "yes", "", "read"))
    assert (opened[4][:2], opened[5]) == (("file", "2"), None)
    assert others == [
        ("file-read", 2, 1, b"ell"),
        ("file-closed", 2),
        ("file-called", 1, "stat_at", ("b", "no"), (), "ENOENT"),
    ]


def _fields(event: events.Event) -> tuple[Any, ...]:
    """The kind of an event and its fields after time and guest."""
    names: tuple[str, ...] = event.__match_args__[2:]
    return (event.kind, *(getattr(event, name) for name in names))


def _copied(*, reads: int = 100, writes: bytes = b"hello") -> Recording:
    """Five bytes are read, and five written to the end of another file and to its beginning."""
    recording = Recording()
    _copy(_recorded(MemoryFiles({"/a": b"hello"}), recording), reads, writes)
    return recording


def _copy(guest: Descriptor, reads: int = 100, writes: bytes = b"hello", block: int = 100) -> bytes:
    source = at_once(guest.open("a", True, NONE, READ))
    target = at_once(guest.open("b", True, CREATE, WRITE))
    found = b""
    while more := at_once(source.read(reads, len(found))):
        found += more
    for offset in range(0, len(writes), block):
        at_once(target.write(writes[offset : offset + block], offset))
    return found


def test_bytes_are_one_stream_whatever_the_blocks() -> None:
    for recorded, now in ((100, 2), (2, 100), (2, 3)):
        files, root = _replayed(_copied(reads=recorded))
        assert _copy(root, now, block=2) == b"hello"
        files.finish()


def test_other_bytes_diverge_where_they_differ() -> None:
    _, root = _replayed(_copied())
    with pytest.raises(DivergenceError, match="file 3: the guest writes 0x4c at offset 2, recorded 0x6c"):
        _copy(root, writes=b"heLlo")
    with pytest.raises(DivergenceError, match="0x4c"):
        root.stat()


def test_a_call_that_was_not_recorded_diverges() -> None:
    _, root = _replayed(_copied())
    with pytest.raises(DivergenceError, match=r"file 1: the guest calls stat_at\(a, yes\), which was not recorded"):
        root.stat_at("a", True)


def test_a_guest_that_ends_without_a_change_diverges() -> None:
    files, root = _replayed(_copied())
    _copy(root, writes=b"")
    with pytest.raises(DivergenceError, match="the guest has ended, but recorded is next: file-written"):
        files.finish()


def test_a_guest_may_look_at_less() -> None:
    recording = Recording()
    guest = _recorded(MemoryFiles({"/a": b"hello"}), recording)
    at_once(guest.stat_at("a", True))
    at_once(at_once(guest.open("a", True, NONE, READ)).read(5, 0))
    files, _ = _replayed(recording)
    files.finish()


def test_directories_that_were_not_asked_for_diverge() -> None:
    files, _ = _replayed(_copied())
    with pytest.raises(DivergenceError, match="asks for its directories, which was not recorded"):
        files.open_root(Handles())


def test_one_of_several_guests_is_chosen() -> None:
    recording = Recording()
    for guest, content in ((1, b"one"), (2, b"two")):
        _copy(_recorded(MemoryFiles({"/a": content}), recording, guest))
    with pytest.raises(RecordingError, match=r"several guests with files were recorded, 1, 2: say which with guest="):
        ReplayFiles(recording)
    assert _copy(_replayed(recording, guest=2)[1]) == b"two"
    assert not ReplayFiles(Recording())
