"""Random operations of a guest, and what each file system answers."""

from __future__ import annotations

import asyncio
import errno
import itertools
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from wasihost._base.waiting import Called
from wasihost._wasi.filesystem.answers import Answer, Later, settled
from wasihost._wasi.filesystem.descriptor import Descriptor, preopened
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost.files import FileSystem, Kind, Stat

T = TypeVar("T")

TOP, FIRST, SECOND, DIRECTORY = range(4)
"""Where what a guest opens is kept: the directory at the top, two files and another directory."""
TREE: dict[str, bytes | str | None] = {
    "a": None,
    "a/a": None,
    "a/a/b": b"deep",
    "a/b": b"content",
    "a/c": "../b",
    "b": b"top",
    "c": "a",
}
"""What is there at the beginning: the content of files, the text of links, None for directories."""


class Operation(NamedTuple):
    """A method of a `Subject`, and what it is called with."""

    name: str
    args: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"{self.name}{self.args!r}"


_STEPS = "abcd"
_PLAIN = ["/".join(steps) for length in (1, 1, 1, 1, 1, 2, 2, 3) for steps in itertools.product(_STEPS, repeat=length)]
_DOTTED = ["/".join(steps) for steps in itertools.product("a c . ..".split(), repeat=2)]
_paths = st.sampled_from(
    [*_PLAIN * 4, *(f"{path}/" for path in _PLAIN), *_DOTTED * 2, "", "..", "/a", "a//b", "a\0", "n" * 256]
)
_texts = st.sampled_from([*_PLAIN, *_DOTTED, "/a"])
_files = st.sampled_from([FIRST] * 4 + [SECOND] * 4 + [DIRECTORY])
_bases = st.sampled_from([TOP] * 8 + [DIRECTORY] * 4 + [FIRST])
_offsets = st.sampled_from([0, 0, 1, 5, 70, 1 << 63])
_uses = st.sampled_from([DescriptorFlags(bits) for bits in (0, 1, 2, 3, 3, 3, 3, 3, 3, 35)])
_hows = st.sampled_from([OpenFlags(bits) for bits in (0, 0, 0, 1, 1, 1, 8, 2, *range(16))])


def _operation(name: str, *args: st.SearchStrategy[Any]) -> st.SearchStrategy[Operation]:
    return st.tuples(*args).map(lambda found: Operation(name, found))


_open = _operation("open", _bases, _paths, st.booleans(), _hows, _uses, st.sampled_from([FIRST, SECOND]))
OPERATIONS = st.one_of(
    _open,
    _open,
    _open,
    _operation("read", _files, _offsets),
    _operation("write", _files, st.sampled_from([b"", b"x", b"yz" * 20]), _offsets),
    _operation("append", _files, st.sampled_from([b"", b"end"])),
    _operation("set_size", _files, _offsets),
    _operation("stat", _files),
    _operation("same", _files, _files),
    _operation("entries", _bases),
    _operation("stat_at", _bases, _paths, st.booleans()),
    _operation("readlink", _bases, _paths),
    _operation("create_directory", _bases, _paths),
    _operation("remove_directory", _bases, _paths),
    _operation("remove_file", _bases, _paths),
    _operation("rename", _bases, _paths, _bases, _paths),
    _operation("rename", _bases, _paths, _bases, _paths),
    _operation("link", _bases, _paths, _bases, _paths),
    _operation("symlink", _bases, _texts, _paths),
)


class Subject:
    """A guest with a file system, which does the operations."""

    def __init__(self, files: FileSystem, runner: asyncio.Runner) -> None:
        self._runner = runner
        ((top, _),) = preopened(Mounts({"/": files}, b"key"))
        self._opened: dict[int, Descriptor] = {TOP: top}
        both = DescriptorFlags.READ | DescriptorFlags.WRITE
        for path, slot in (("b", FIRST), ("a/a/b", SECOND), ("a", DIRECTORY)):
            use = DescriptorFlags.READ if slot == DIRECTORY else both
            self.open(TOP, path, False, OpenFlags(0), use, slot)

    def answer(self, operation: Operation) -> object:
        """What it gives, as far as it is the same everywhere: the name of an errno, or the result."""
        try:
            return getattr(self, operation.name)(*operation.args)
        except OSError as error:
            return errno.errorcode[error.errno or 0]

    def tree(self) -> dict[str, object]:
        """All that is there, from the top."""
        found: dict[str, object] = {}
        pending = [""]
        while pending:
            path = pending.pop()
            with_slash = path and f"{path}/"
            for name, kind in self._entries_at(path or "."):
                found[with_slash + name] = self._content(with_slash + name, kind)
                if kind is Kind.DIRECTORY:
                    pending.append(with_slash + name)
        return found

    def close(self) -> None:
        """Closes what is open."""
        for each in self._opened.values():
            each.close()

    def _entries_at(self, path: str) -> list[tuple[str, Kind]]:
        directory = self._now(self._opened[TOP].open(path, False, OpenFlags(0), DescriptorFlags.READ))
        try:
            return self._entries(directory)
        finally:
            directory.close()

    def _entries(self, directory: Descriptor) -> list[tuple[str, Kind]]:
        found = self._now(directory.entries())
        try:
            return sorted(found, key=str)
        finally:
            found.close()

    def _content(self, path: str, kind: Kind) -> object:
        if kind is Kind.DIRECTORY:
            return None
        if kind is Kind.SYMBOLIC_LINK:
            return self._now(self._opened[TOP].readlink(path))
        file = self._now(self._opened[TOP].open(path, False, OpenFlags(0), DescriptorFlags.READ))
        try:
            return self._now(file.read(1 << 16, 0)), self._now(file.stat()).links
        finally:
            file.close()

    def _now(self, answer: Answer[T]) -> T:
        return self._runner.run(settled(answer)) if isinstance(answer, Later) else answer

    def _at(self, slot: int) -> Descriptor:
        return self._opened[slot]

    # ---- operations

    def open(self, base: int, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags, slot: int) -> object:
        found = self._now(self._at(base).open(path, follow, how, use))
        kind = self._now(found.stat()).kind
        if kind is Kind.DIRECTORY:
            slot = DIRECTORY
        if slot in self._opened:
            self._opened[slot].close()
        self._opened[slot] = found
        return kind, found.flags

    def read(self, slot: int, offset: int) -> object:
        return self._now(self._at(slot).read(70, offset))

    def write(self, slot: int, data: bytes, offset: int) -> object:
        return self._now(self._at(slot).write(data, offset))

    def append(self, slot: int, data: bytes) -> object:
        return self._runner.run(_appended(self._at(slot), data))

    def set_size(self, slot: int, size: int) -> object:
        return self._now(self._at(slot).set_size(size))

    def stat(self, slot: int) -> object:
        return known(self._now(self._at(slot).stat()))

    def same(self, slot: int, other: int) -> object:
        return self._at(slot).identity == self._at(other).identity

    def entries(self, base: int) -> object:
        return self._entries(self._at(base))

    def stat_at(self, base: int, path: str, follow: bool) -> object:
        return known(self._now(self._at(base).stat_at(path, follow)))

    def readlink(self, base: int, path: str) -> object:
        return self._now(self._at(base).readlink(path))

    def create_directory(self, base: int, path: str) -> object:
        return self._now(self._at(base).create_directory(path))

    def remove_directory(self, base: int, path: str) -> object:
        return self._now(self._at(base).remove_directory(path))

    def remove_file(self, base: int, path: str) -> object:
        return self._now(self._at(base).remove_file(path))

    def rename(self, base: int, path: str, new_base: int, new_path: str) -> object:
        return self._now(self._at(base).rename(path, self._at(new_base), new_path))

    def link(self, base: int, path: str, new_base: int, new_path: str) -> object:
        return self._now(self._at(base).link(path, False, self._at(new_base), new_path))

    def symlink(self, base: int, text: str, path: str) -> object:
        return self._now(self._at(base).symlink(text, path))


def known(stat: Stat) -> object:
    """What is the same of a file in each file system: of a directory only whether it is there."""
    return (stat.kind, stat.links > 0) if stat.kind is Kind.DIRECTORY else (stat.kind, stat.size, stat.links)


async def _appended(file: Descriptor, data: bytes) -> int:
    sink = file.sink(None, _ignore)
    try:
        while True:
            try:
                return sink.write(memoryview(data))
            except BlockingIOError:
                ready = Called()
                sink.wait_writable(ready)
                await ready
    finally:
        sink.close(None)


def _ignore(_error: BaseException | None) -> None:
    pass
