"""The rules of changes for every file system; each function is a check, its docstring the rule."""

from __future__ import annotations

import asyncio

from wasihost._base.streams import ByteSink
from wasihost._base.waiting import Called
from wasihost._testing.ends import expect_equal
from wasihost._testing.tree import Tree
from wasihost._wasi.filesystem.metadata import Kind, When

# ---- files


async def what_is_written_is_read(tree: Tree) -> None:
    """`write` takes bytes at an offset, after zeros if the file is shorter, and leaves the others."""
    file = await tree.create("new", b"content")
    await tree.write(file, b"NT", 2)
    await tree.write(file, b"end", 10)
    expect_equal(await tree.content("new"), b"coNTent\0\0\0end", "bytes of the file")
    expect_equal((await tree.done(file.stat)).size, 13, "its size")


async def what_is_open_is_one_file(tree: Tree) -> None:
    """Every guest that has a file open reads what the others write."""
    writer = await tree.create("new")
    reader = await tree.open("new")
    await tree.write(writer, b"later")
    expect_equal(await tree.read(reader), b"later", "bytes for a guest that opened it before")
    expect_equal(reader.identity, writer.identity, "the number of the file")


async def large_files_are_kept(tree: Tree) -> None:
    """A file of a mebibyte has the bytes that were written, in parts of any size."""
    content = bytes(range(256)) * 4096
    file = await tree.create("large")
    for offset in range(0, len(content), 70_000):
        await tree.write(file, content[offset : offset + 70_000], offset)
    expect_equal(await tree.read(file, len(content) + 1) == content, True, "the file has the bytes that were written")


async def sizes_are_set(tree: Tree) -> None:
    """`set_size` cuts a file off or adds zeros."""
    file = await tree.create("new", b"content")
    await tree.done(file.set_size, 3)
    expect_equal(await tree.content("new"), b"con", "cut off")
    await tree.done(file.set_size, 5)
    expect_equal(await tree.content("new"), b"con\0\0", "made longer")


async def appended_parts_are_all_kept(tree: Tree) -> None:
    """`append` writes at the end, also when two do so at a time."""
    file = await tree.create("new", b"begin ")
    sinks = [file.sink(None, _ignore) for _ in range(2)]
    await asyncio.gather(*(_append(sink, part * 3) for sink, part in zip(sinks, (b"a", b"b"), strict=True)))
    for sink in sinks:
        sink.close(None)
    expect_equal(sorted(await tree.content("new")), sorted(b"begin aaabbb"), "bytes of the file")


async def times_are_set_one_by_one(tree: Tree) -> None:
    """`set_times` sets the times that are given and leaves the others."""
    await tree.create("new")
    if await tree.lacks(tree.top.set_times_at, "new", False, 1_000_000_000, 2_000_000_000):
        return
    await tree.done(tree.top.set_times_at, "new", False, When.NO_CHANGE, 3_000_000_000)
    found = await tree.done(tree.top.stat_at, "new", False)
    expect_equal((found.accessed_ns, found.modified_ns), (1_000_000_000, 3_000_000_000), "times")


async def _append(sink: ByteSink, parts: bytes) -> None:
    for part in parts:
        while True:
            try:
                sink.write(memoryview(bytes([part])))
                break
            except BlockingIOError:
                ready = Called()
                sink.wait_writable(ready)
                await ready


def _ignore(_error: BaseException | None) -> None:
    """`sink.write` raised it."""


# ---- names


async def files_and_directories_are_created(tree: Tree) -> None:
    """`create_file` and `create_directory` give names to new, empty inodes."""
    await tree.done(tree.top.create_directory, "dir")
    await tree.create("dir/new")
    expect_equal(await tree.entries("."), {"dir": Kind.DIRECTORY}, "entries of the top")
    expect_equal(await tree.entries("dir"), {"new": Kind.REGULAR_FILE}, "entries of 'dir'")
    expect_equal(await tree.content("dir/new"), b"", "bytes of the new file")
    await tree.fails("exist", "create 'dir' again", tree.top.create_directory, "dir")


async def two_that_create_one_file_have_one(tree: Tree) -> None:
    """`create_file` raises FileExistsError if the name is there by now; the second of two guests opens that file."""
    one, two = await asyncio.gather(*(tree.create_or_open("new") for _ in range(2)))
    expect_equal(one.identity, two.identity, "the number of the file")
    made = await asyncio.gather(*(tree.create("other") for _ in range(2)), return_exceptions=True)
    expect_equal([isinstance(each, OSError) for each in made].count(True), 1, "failures of two that want a new file")


async def a_file_that_was_removed_can_be_used_further(tree: Tree) -> None:
    """After `remove_file`, guests that have the file open use it further, without a name; a new one is another file."""
    file = await tree.create("new", b"content")
    await tree.done(tree.top.remove_file, "new")
    await tree.fails("no-entry", "stat of what was removed", tree.top.stat_at, "new", False)
    await tree.write(file, b"CON")
    expect_equal(await tree.read(file), b"CONtent", "bytes of what was removed")
    expect_equal((await tree.done(file.stat)).links, 0, "its names")
    again = await tree.create("new")
    expect_equal((again.identity == file.identity, await tree.read(again)), (False, b""), "a new file of that name")


async def only_empty_directories_are_removed(tree: Tree) -> None:
    """`remove_directory` is ENOTEMPTY for a directory with entries."""
    await tree.done(tree.top.create_directory, "dir")
    await tree.create("dir/new")
    await tree.fails("not-empty", "remove 'dir'", tree.top.remove_directory, "dir")
    await tree.done(tree.top.remove_file, "dir/new")
    await tree.done(tree.top.remove_directory, "dir")
    expect_equal(await tree.entries("."), {}, "entries of the top")


async def nothing_is_created_in_a_directory_that_was_removed(tree: Tree) -> None:
    """A directory that was removed has no entries, and creating one there is FileNotFoundError."""
    await tree.done(tree.top.create_directory, "dir")
    directory = await tree.open("dir")
    await tree.done(tree.top.remove_directory, "dir")
    expect_equal(await tree.entries(".", directory), {}, "its entries")
    await tree.fails("no-entry", "create a directory in it", directory.create_directory, "new")


async def renaming_moves_and_replaces(tree: Tree) -> None:
    """`rename` gives a file another name, in any directory, and replaces the one that had it; the file is the same."""
    file = await tree.create("old", b"old")
    await tree.done(tree.top.create_directory, "dir")
    replaced = await tree.create("dir/new", b"replaced")
    await tree.done(tree.top.rename, "old", tree.top, "dir/new")
    expect_equal(await tree.entries("."), {"dir": Kind.DIRECTORY}, "entries of the top")
    expect_equal((await tree.open("dir/new")).identity, file.identity, "the number of the file")
    expect_equal((await tree.content("dir/new"), await tree.read(replaced)), (b"old", b"replaced"), "bytes of both")


async def directories_are_moved_with_what_they_have(tree: Tree) -> None:
    """`rename` of a directory takes its entries along, and never into itself."""
    await tree.done(tree.top.create_directory, "dir")
    await tree.create("dir/new", b"content")
    await tree.done(tree.top.create_directory, "other")
    await tree.done(tree.top.create_directory, "dir/sub")
    below = await tree.open("dir/sub")
    await tree.fails("invalid", "move 'dir' below itself", tree.top.rename, "dir", below, "x")
    await tree.fails("not-empty", "move 'other' to 'dir'", tree.top.rename, "other", tree.top, "dir")
    await tree.done(tree.top.rename, "dir", tree.top, "other")
    expect_equal(await tree.entries("."), {"other": Kind.DIRECTORY}, "entries of the top")
    expect_equal(await tree.content("other/new"), b"content", "bytes of a file in it")


async def hard_links_are_one_file(tree: Tree) -> None:
    """After `link` a file has two names; when one is removed the other has all."""
    file = await tree.create("one", b"content")
    if await tree.lacks(tree.top.link, "one", False, tree.top, "two"):
        return
    expect_equal(((await tree.done(file.stat)).links, (await tree.open("two")).identity), (2, file.identity), "links")
    await tree.done(tree.top.remove_file, "one")
    await tree.write(file, b"CON")
    expect_equal((await tree.content("two"), (await tree.done(file.stat)).links), (b"CONtent", 1), "the other name")


async def symbolic_links_keep_their_text(tree: Tree) -> None:
    """`symlink` makes a link, of which `lookup` gives the link itself and `readlink` its text."""
    await tree.create("new", b"content")
    if await tree.lacks(tree.top.symlink, "./new", "link"):
        return
    found = await tree.done(tree.top.stat_at, "link", False)
    expect_equal((found.kind, found.size), (Kind.SYMBOLIC_LINK, 5), "kind and size of the link")
    expect_equal(await tree.done(tree.top.readlink, "link"), "./new", "its text")
    expect_equal((await tree.entries("."))["link"], Kind.SYMBOLIC_LINK, "its kind among the entries")
    expect_equal(await tree.content("link"), b"content", "bytes of what it leads to")
    await tree.done(tree.top.remove_file, "link")
    expect_equal(await tree.entries("."), {"new": Kind.REGULAR_FILE}, "entries when it is removed")
