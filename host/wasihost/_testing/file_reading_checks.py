"""The rules of reading for every file system; each function is a check, its docstring the rule."""

from __future__ import annotations

from wasihost._testing.ends import expect, expect_equal
from wasihost._testing.tree import TREE, Tree
from wasihost._wasi.filesystem.metadata import Kind


async def names_that_are_not_there_are_no_entry(tree: Tree) -> None:
    """`lookup` raises FileNotFoundError for a name that a directory does not have."""
    for path in ("nothing", "dir/nothing", "nothing/inner"):
        await tree.fails("no-entry", f"stat of {path!r}", tree.top.stat_at, path, False)
    await tree.fails("not-directory", "stat of 'file/inner'", tree.top.stat_at, "file/inner", False)


async def entries_are_all_names_with_what_they_are(tree: Tree) -> None:
    """`entries` gives each name once, without `.` and `..`, with the kind that `lookup` and `stat` give."""
    expect_equal(await tree.entries("."), {"file": Kind.REGULAR_FILE, "dir": Kind.DIRECTORY}, "entries of the top")
    expect_equal(await tree.entries("dir"), {"inner": Kind.REGULAR_FILE}, "entries of 'dir'")
    for path, kind in (("file", Kind.REGULAR_FILE), ("dir", Kind.DIRECTORY), ("dir/inner", Kind.REGULAR_FILE)):
        expect_equal((await tree.done(tree.top.stat_at, path, False)).kind, kind, f"the kind of {path!r}")


async def sizes_are_those_of_what_is_read(tree: Tree) -> None:
    """`stat` gives the size of a file, and at least one name."""
    for path, content in TREE.items():
        found = await tree.done(tree.top.stat_at, path, False)
        expect_equal((found.size, await tree.content(path)), (len(content), content), f"size and bytes of {path!r}")
        expect(found.links >= 1, f"{path!r} has a name", found.links)


async def files_are_read_from_any_offset(tree: Tree) -> None:
    """`read` gives bytes from an offset on, fewer at the end of the file, and none after it."""
    file = await tree.open("file")
    for size, offset in ((3, 0), (3, 2), (100, 5), (100, 7), (100, 1 << 40), (0, 0), (1, 6)):
        found = await tree.read(file, size, offset)
        expect_equal(found, TREE["file"][offset : offset + size], f"{size} bytes from {offset} on")


async def an_inode_has_one_number_and_another_one_another(tree: Tree) -> None:
    """`number` of the inode at a path is the same each time, and that of another inode differs."""
    hashes = [await tree.done(tree.top.identity_hash_at, path, False) for path in (".", "file", "dir", "dir/inner")]
    expect_equal(len(set(hashes)), 4, "numbers of four inodes")
    opened = [(await tree.open(path)).identity_hash() for path in (".", "file", "dir", "dir/inner")]
    expect_equal(opened, hashes, "numbers when they are opened")


async def directories_are_read_through_what_is_open(tree: Tree) -> None:
    """A directory that is open is one to look up names in, and `..` does not lead out of it."""
    directory = await tree.open("dir")
    expect_equal(await tree.content("inner", directory), TREE["dir/inner"], "'inner' in 'dir'")
    await tree.fails("not-permitted", "stat of '..' in 'dir'", directory.stat_at, "..", False)


async def a_tree_that_is_read_only_is_not_changed(tree: Tree) -> None:
    """With `read_only`, whatever would change something is `not-permitted`."""
    if tree.is_read_only:
        await tree.fails("not-permitted", "create a directory", tree.top.create_directory, "new")
        await tree.fails("not-permitted", "remove a file", tree.top.remove_file, "file")
