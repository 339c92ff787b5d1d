"""`MemoryFiles` from Python: a mapping of paths to bytes, its bounds, snapshots."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable
from functools import partial

import pytest

from tests.unit.wasi.filesystem.trees import at_once, code_of, guest_of
from wasihost._wasi.filesystem.descriptor import Descriptor
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost.files import Changes, MemoryFiles

READ, WRITE = DescriptorFlags.READ, DescriptorFlags.WRITE
TREE = {"/a/b.txt": b"one", "/a/c": b"", "/d": b"two"}


def created(guest: Descriptor, path: str) -> Descriptor:
    return at_once(guest.open(path, False, OpenFlags.CREATE, WRITE))


def code_in_python(call: Callable[[], object]) -> str:
    with pytest.raises(OSError) as raised:  # noqa: PT011 - the errno is what is asked for
        call()
    return errno.errorcode[raised.value.errno or 0]


def test_it_is_a_mapping_of_paths_to_bytes() -> None:
    files = MemoryFiles(TREE)
    assert dict(files) == TREE
    assert (list(files), len(files), files == TREE) == (["/a/b.txt", "/a/c", "/d"], 3, True)
    files["/a/b.txt"] = b"longer than before"
    del files["/d"]
    assert (files["/a/b.txt"], files.get("/d"), "/d" in files, "/a" in files) == (
        b"longer than before",
        None,
        False,
        False,
    )
    assert [path in files for path in ("/a/b.txt", "/a", "a/b.txt", "/a/b.txt/c", "", 1)] == [True] + [False] * 5
    with pytest.raises(KeyError, match="/d"):
        files["/d"]
    with pytest.raises(KeyError, match="'a'"):
        del files["a"]


@pytest.mark.parametrize("path", ["a", "", "/", "//a", "/a/", "/./a", "/../a", "/a\0"])
def test_a_path_that_is_none_is_named(path: str) -> None:
    with pytest.raises(ValueError, match="is no path of a file"):
        MemoryFiles()[path] = b""


def test_a_file_cannot_be_put_where_something_else_is() -> None:
    files = MemoryFiles(TREE)
    files.add_link("/link", "d")
    codes = [code_in_python(partial(files.update, {path: b""})) for path in ("/a", "/d/x", "/link")]
    assert codes == ["EISDIR", "ENOTDIR", "EEXIST"]


def test_what_python_puts_in_guests_find_and_the_other_way_round() -> None:
    files = MemoryFiles(TREE)
    files.add_directory("/empty/inner")
    files.add_link("/a/link", "../d")
    guest = guest_of(files)
    with_link = at_once(guest.open("a/link", True, OpenFlags(0), READ))
    assert at_once(with_link.read(100, 0)) == b"two"
    assert sorted(name for name, _ in at_once(guest.entries())) == ["a", "d", "empty"]
    assert at_once(created(guest, "empty/inner/new").write(b"hello", 2)) == 5
    assert files["/empty/inner/new"] == b"\0\0hello"


def test_bytes_are_bounded_and_free_again_when_no_one_has_the_file() -> None:
    files = MemoryFiles({"/f": b"12345678"}, max_bytes=10)
    guest = guest_of(files)
    file = created(guest, "g")
    assert (at_once(file.write(b"12345", 0)), code_of(file.write, b"6", 2), files["/g"]) == (2, "ENOSPC", b"12")
    assert (code_of(file.set_size, 3), code_of(guest.symlink, "x", "link")) == ("ENOSPC", "ENOSPC")
    opened = at_once(guest.open("f", False, OpenFlags(0), READ))
    guest.remove_file("f")
    assert (files.used_bytes, code_of(file.write, b"6", 2), at_once(opened.stat()).links) == (10, "ENOSPC", 0)
    opened.close()
    assert (files.used_bytes, code_of(file.write, b"6", 2)) == (2, "ok")
    assert code_in_python(lambda: files.update({"/h": b"123456789"})) == "ENOSPC"


def test_names_are_bounded_whatever_has_them() -> None:
    files = MemoryFiles({"/f": b""}, max_files=3)
    guest = guest_of(files)
    assert code_of(guest.link, "f", False, guest, "hard") == "ok"
    assert code_of(guest.create_directory, "dir") == "ok"
    assert code_of(guest.link, "f", False, guest, "x") == "ENOSPC"
    assert code_of(guest.create_directory, "x") == "ENOSPC"
    assert code_of(guest.symlink, "f", "x") == "ENOSPC"
    assert code_of(guest.rename, "hard", guest, "x") == "ok"
    guest.remove_directory("dir")
    assert (files.used_files, code_of(guest.symlink, "f", "y")) == (2, "ok")


def test_paths_are_bounded_so_that_a_list_of_them_is() -> None:
    files = MemoryFiles({"/" + "/".join(["n" * 250] * 15) + "/f": b""})
    guest = guest_of(files)
    assert code_of(guest.create_directory, "m" * 250) == "ok"
    assert code_of(guest.rename, "n" * 250, guest, "m" * 250 + "/" + "n" * 250) == "ok"
    files.add_directory("/" + "k" * 250 + "/" + "k" * 250)
    assert code_of(guest.rename, "m" * 250, guest, "k" * 250 + "/" + "k" * 250 + "/x") == "ENAMETOOLONG"
    assert code_in_python(partial(files.update, {"/" + "x" * 256: b""})) == "ENAMETOOLONG"
    assert max(map(len, files)) <= 4095


def test_a_move_makes_no_path_too_long_by_the_names_in_it() -> None:
    way = "/".join(["n" * 250] * 15)
    files = MemoryFiles({"/dir/" + "x" * 250: b""})
    files.add_directory(f"/{way}/y")
    guest = guest_of(files)
    assert code_of(guest.rename, "dir", guest, f"{way}/d") == "ok"
    assert code_of(guest.rename, f"{way}/d", guest, f"{way}/y/" + "d" * 80) == "ENAMETOOLONG"


def test_a_diff_names_what_a_guest_changed() -> None:
    files = MemoryFiles(TREE)
    before = files.snapshot()
    assert (str(files.diff(before)), bool(files.diff(before))) == ("", False)
    guest = guest_of(files)
    guest.rename("d", guest, "e")
    guest.create_directory("dir")
    guest.symlink("e", "link")
    at_once(at_once(guest.open("a/c", False, OpenFlags(0), WRITE)).write(b"x", 0))
    changes = files.diff(before)
    assert changes == Changes(added=("/dir/", "/e", "/link"), changed=("/a/c",), removed=("/d",))
    assert str(changes) == "+ /dir/\n+ /e\n+ /link\n~ /a/c\n- /d"


def test_a_snapshot_brings_everything_back() -> None:
    files = MemoryFiles(TREE)
    files.add_link("/link", "d")
    guest = guest_of(files)
    guest.link("d", False, guest, "hard")
    guest.set_times_at("a/c", False, 1, 2)
    before = pickle.loads(pickle.dumps(files.snapshot()))
    used = files.used_bytes, files.used_files
    for path in list(files):
        del files[path]
    files["/a/b.txt"] = b"other"
    files.restore(before)
    assert (files.diff(before), (files.used_bytes, files.used_files)) == (Changes((), (), ()), used)
    again = guest_of(files)
    assert at_once(again.stat_at("hard", False)).links == 2
    found = at_once(again.stat_at("a/c", False))
    assert (found.accessed_ns, found.modified_ns, at_once(again.readlink("link"))) == (1, 2, "d")


def test_other_file_systems_are_other_devices() -> None:
    one, two = guest_of(MemoryFiles(TREE)), guest_of(MemoryFiles(TREE))
    assert code_of(one.rename, "d", two, "e") == "EXDEV"
    assert code_of(one.link, "d", False, two, "e") == "EXDEV"
    assert one.identity != two.identity
