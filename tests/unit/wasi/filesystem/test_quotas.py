"""Trees of which a guest may use only so much: what each limit counts, and what it gives beyond it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guests.harness import advance_until
from tests.unit.wasi.filesystem.trees import at_once, code_of
from wasihost import VirtualClock
from wasihost._network.faults.fault import FILE_CALLS
from wasihost._wasi.filesystem.answers import settled
from wasihost._wasi.filesystem.descriptor import Descriptor, preopened
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.filesystem.nodes import FileNode
from wasihost._wasi.filesystem.quotas import FileBudget
from wasihost.files import Directory, FaultyFiles, FileSystem, MemoryFiles, QuotaFiles
from wasihost.network import Fault, FaultPlan, Quotas

NONE, CREATE, TRUNCATE = OpenFlags(0), OpenFlags.CREATE, OpenFlags.TRUNCATE
READ, WRITE = DescriptorFlags.READ, DescriptorFlags.WRITE


def _guest(tree: FileSystem, **limits: int) -> Descriptor:
    ((root, _),) = preopened(Mounts({"/": tree}, b"key", quotas=Quotas(**limits)))
    return root


def _open(guest: Descriptor, path: str = "f", how: OpenFlags = CREATE, use: DescriptorFlags = WRITE) -> Descriptor:
    return at_once(guest.open(path, True, how, use))


def _written(file: Descriptor, content: bytes, offset: int = 0) -> int | str:
    """How many bytes are written, or the error."""
    try:
        return at_once(file.write(content, offset))
    except OSError as error:
        return errno.errorcode[error.errno or 0]


@pytest.fixture(params=["directory", "memory"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> FileSystem:
    """A tree to be used up."""
    return Directory(tmp_path) if request.param == "directory" else MemoryFiles()


def test_as_many_bytes_are_written_as_are_allowed(tree: FileSystem) -> None:
    file = _open(_guest(tree, file_bytes_written=5))
    assert [_written(file, b"abc"), _written(file, b"def"), _written(file, b"g")] == [3, 2, "EDQUOT"]
    assert _written(file, b"") == 0
    file.close()


def test_what_is_written_over_counts_as_written_and_not_as_stored(tree: FileSystem) -> None:
    file = _open(_guest(tree, file_bytes_stored=4))
    assert [_written(file, b"abc"), _written(file, b"abc"), _written(file, b"abcdef")] == [3, 3, 4]
    assert [_written(file, b"x", 4), _written(file, b"x", 9), _written(file, b"x", 3)] == ["EDQUOT", "EDQUOT", 1]
    file.close()


def test_a_gap_counts_as_stored(tree: FileSystem) -> None:
    guest = _guest(tree, file_bytes_stored=10)
    file = _open(guest)
    assert _written(file, b"ab", 9) == 1
    assert code_of(file.set_size, 11) == "EDQUOT"
    assert code_of(file.set_size, 4) == "ok"
    assert [_written(_open(guest, "g"), b"x" * 10)] == [6]
    file.close()


def test_what_is_cut_off_or_removed_may_be_stored_again(tree: FileSystem) -> None:
    guest = _guest(tree, file_bytes_stored=3)

    def fill(name: str, how: OpenFlags = CREATE) -> int | str:
        file = _open(guest, name, how)
        written = _written(file, b"abc")
        file.close()
        return written

    assert fill("a") == 3
    assert fill("a", CREATE | TRUNCATE) == 3
    assert fill("b") == "EDQUOT"
    at_once(guest.remove_file("a"))
    assert fill("b") == 3
    at_once(guest.link("b", False, guest, "c"))
    at_once(guest.remove_file("b"))
    assert fill("d") == "EDQUOT"
    at_once(guest.rename("d", guest, "c"))
    assert fill("d") == 3


def test_a_file_that_is_removed_takes_its_room_until_it_is_closed(tree: FileSystem) -> None:
    guest = _guest(tree, file_bytes_stored=3)
    removed = _open(guest, "removed")
    assert _written(removed, b"ab") == 2
    at_once(guest.remove_file("removed"))
    other = _open(guest, "other")
    assert [_written(removed, b"c", 2), _written(other, b"x")] == [1, "EDQUOT"]
    removed.close()
    assert _written(other, b"xyz") == 3
    other.close()


def test_so_many_files_are_made(tree: FileSystem) -> None:
    guest = _guest(tree, files=2)
    _open(guest, "a").close()
    at_once(guest.create_directory("dir"))
    _open(guest, "a").close()  # it is there
    made: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (guest.open, ("b", True, CREATE, WRITE)),
        (guest.create_directory, ("b",)),
        (guest.symlink, ("a", "b")),
        (guest.link, ("a", False, guest, "b")),
    ]
    assert [code_of(call, *args) for call, args in made] == ["EDQUOT"] * 4
    at_once(guest.remove_directory("dir"))
    assert code_of(guest.symlink, "a", "b") == "ok"
    assert code_of(guest.symlink, "a", "c") == "EDQUOT"
    at_once(guest.rename("b", guest, "a"))
    assert code_of(guest.symlink, "a", "c") == "ok"


def test_so_many_files_are_open_at_a_time(tree: FileSystem) -> None:
    guest = _guest(tree, open_files=2)
    at_once(guest.create_directory("dir"))
    one, two = _open(guest, "f"), _open(guest, "dir", NONE, READ)
    assert code_of(guest.open, "f", True, NONE, READ) == "EDQUOT"
    two.close()
    assert code_of(guest.open, "nope", True, NONE, READ) == "ENOENT"
    assert code_of(guest.open, "f", True, NONE, READ) == "ok"
    one.close()


def test_a_device_stores_nothing() -> None:
    file = _open(_guest(Directory("/dev"), file_bytes_stored=0), "null", NONE)
    assert _written(file, b"abc") == 3
    file.close()


def test_all_trees_of_a_guest_share_its_quotas_and_each_guest_has_its_own() -> None:
    trees = {"/a": MemoryFiles(), "/b": MemoryFiles()}
    for _ in range(2):
        (one, _), (two, _) = preopened(Mounts(trees, b"key", quotas=Quotas(file_bytes_written=3)))
        assert [_written(_open(one), b"ab"), _written(_open(two), b"ab")] == [2, 1]


def test_a_tree_with_quotas_is_shared_by_all_who_have_it(caplog: pytest.LogCaptureFixture) -> None:
    files = QuotaFiles(MemoryFiles(), Quotas(file_bytes_written=3))
    (one, _), (two, _) = preopened(Mounts({"/a": files, "/b": files}, b"key"))
    with caplog.at_level(logging.WARNING, "wasihost.quotas"):
        found = [_written(_open(guest), b"ab") for guest in (one, two, one, one)]
    assert (found, files.reached) == ([2, 1, "EDQUOT", "EDQUOT"], {"file_bytes_written": 2})
    assert caplog.messages == ["limit file_bytes_written=3 reached: write of 2 bytes"]


def test_quotas_of_the_network_cost_files_nothing() -> None:
    files = MemoryFiles()
    assert type(_guest(files, bytes_in=1)._node) is type(preopened(Mounts({"/": files}))[0][0]._node)
    with pytest.raises(TypeError, match="quotas: expected Quotas, got 7"):
        QuotaFiles(files, 7)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", ["file_bytes_written", "file_bytes_stored", "files", "open_files"])
async def test_several_operations_at_once_use_no_more_than_one_after_the_other(limit: str) -> None:
    clock = VirtualClock()
    stalls = (Fault(call, "stall", seconds=60) for call in FILE_CALLS)
    tree = QuotaFiles(FaultyFiles(MemoryFiles(), FaultPlan(*stalls), clock), Quotas(**{limit: 3}))
    root = tree.open_root(Handles())

    async def write(name: str) -> None:
        file = await settled(root.open(name, True, CREATE, WRITE))
        assert isinstance(file, FileNode)
        await settled(file.write(memoryview(b"abcd"), 0))

    working = asyncio.gather(*map(write, "abcdefgh"), return_exceptions=True)
    await advance_until(clock, working)
    assert tree._budget.used[limit] <= 3
    memory = tree.inner.inner  # type: ignore[attr-defined]
    assert (limit in ("files", "open_files") and len(memory) <= 3) or memory.used_bytes <= 3


_NAMES = st.sampled_from(["a", "b", "d/a", "d/b"])
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), _NAMES, st.integers(0, 20), st.integers(0, 9)),
        st.tuples(st.just("truncate"), _NAMES),
        st.tuples(st.just("resize"), _NAMES, st.integers(0, 20)),
        st.tuples(st.just("remove"), _NAMES),
        st.tuples(st.just("rename"), _NAMES, _NAMES),
        st.tuples(st.just("link"), _NAMES, _NAMES),
        st.tuples(st.just("mkdir"), st.just("d")),
        st.tuples(st.just("rmdir"), st.just("d")),
    ),
    max_size=30,
)


def _do(guest: Descriptor, verb: str, path: str, *args: Any) -> None:
    if verb in ("write", "truncate", "resize"):
        file = _open(guest, path, CREATE | TRUNCATE if verb == "truncate" else CREATE)
        if verb == "write":
            _written(file, b"x" * args[1], args[0])
        elif verb == "resize":
            code_of(file.set_size, *args)
        file.close()
    elif verb == "rename":
        at_once(guest.rename(path, guest, args[0]))
    elif verb == "link":
        at_once(guest.link(path, False, guest, args[0]))
    else:
        methods = {"remove": guest.remove_file, "mkdir": guest.create_directory, "rmdir": guest.remove_directory}
        at_once(methods[verb](path))


@given(_STEPS)
def test_whatever_a_guest_does_no_more_is_stored_than_its_limits_say(steps: list[tuple[Any, ...]]) -> None:
    files = MemoryFiles({"/a": b"before", "/d/b": b"me"})
    bytes_before, files_before = files.used_bytes, files.used_files
    budget = FileBudget(Quotas(file_bytes_stored=20, files=3))
    ((guest, _),) = preopened(Mounts({"/": QuotaFiles(files, budget)}))
    for step in steps:
        with contextlib.suppress(OSError):
            _do(guest, *step)
        assert budget.used["file_bytes_stored"] == files.used_bytes - bytes_before <= 20
        assert budget.used["files"] == files.used_files - files_before <= 3
