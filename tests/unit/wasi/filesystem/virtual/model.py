"""A model of what a guest is to get: POSIX in the fewest words, for the operations of `operations`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.unit.wasi.filesystem.virtual.operations import DIRECTORY, FIRST, SECOND, TOP, TREE, Operation
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost.files import Kind

MOST = (1 << 63) - 1
CREATE, EXCLUSIVE, TRUNCATE = OpenFlags.CREATE, OpenFlags.EXCLUSIVE, OpenFlags.TRUNCATE
READ, WRITE = DescriptorFlags.READ, DescriptorFlags.WRITE


class Errno(Exception):
    """An operation fails, with this name."""


class Node:
    """A file with bytes, a link with text, or a directory with names."""

    def __init__(self, has: bytes | str | dict[str, Node]) -> None:
        self.has = has
        self.links = 1

    @property
    def names(self) -> dict[str, Node]:
        if not isinstance(self.has, dict):
            raise Errno("ENOTDIR")
        return self.has

    @property
    def kind(self) -> Kind:
        if isinstance(self.has, dict):
            return Kind.DIRECTORY
        return Kind.REGULAR_FILE if isinstance(self.has, bytes) else Kind.SYMBOLIC_LINK


Way = list[Node]


class Model:
    """Does the operations of a `Subject`, and gives the same answers."""

    def __init__(self) -> None:
        self._top = Node({})
        for path, content in TREE.items():
            way, name = self._parent([self._top], path)
            way[-1].names[name] = Node({} if content is None else content)
        both = READ | WRITE
        self._opened: dict[int, tuple[Node, DescriptorFlags]] = {TOP: (self._top, both)}
        for path, slot in (("b", FIRST), ("a/a/b", SECOND), ("a", DIRECTORY)):
            self._opened[slot] = self._find(self._top, path, False), both

    def answer(self, operation: Operation) -> object:
        try:
            return getattr(self, operation.name)(*operation.args)
        except Errno as failure:
            return str(failure)

    def tree(self) -> dict[str, object]:
        return dict(_below(self._top, ""))

    # ---- paths

    def _checked(self, path: str) -> str:
        if not path:
            raise Errno("ENOENT")
        if "\0" in path:
            raise Errno("EINVAL")
        if path.startswith("/"):
            raise Errno("EPERM")
        return path

    def _walk(self, way: Way, path: str, follow: bool, links: int = 40) -> tuple[Way, str, Node | None]:
        """The directories on the way, the last name (`.` if it is none) and what has it."""
        first, slash, rest = path.partition("/")
        is_last = not slash
        if first in ("", "."):
            way[-1].names  # noqa: B018 - it must be a directory
            return (way, ".", way[-1]) if is_last else self._walk(way, rest, follow, links)
        if first == "..":
            if len(way) == 1:
                raise Errno("EPERM")
            return self._walk(way[:-1], rest, follow, links)
        found = self._get(way[-1], first)
        if found is None and not is_last:
            raise Errno("ENOENT")
        if found is not None and isinstance(found.has, str) and (follow or not is_last):
            if not links:
                raise Errno("ELOOP")
            return self._walk(way, self._checked(found.has) + slash + rest, follow, links - 1)
        if is_last:
            return way, first, found
        assert found is not None
        found.names  # noqa: B018
        return self._walk([*way, found], rest, follow, links)

    def _get(self, directory: Node, name: str) -> Node | None:
        names = directory.names
        if len(name) > 255:
            raise Errno("ENAMETOOLONG")
        return directory if name == "." else names.get(name)

    def _parent(self, way: Way, path: str) -> tuple[Way, str]:
        parent, _, name = self._checked(path).rpartition("/")
        if name in ("", ".", ".."):
            return self._walk(way, f"{path}/", True)[0], "."
        return (self._walk(way, f"{parent}/", True)[0] if parent else way), name

    def _find(self, base: Node, path: str, follow: bool) -> Node:
        return _there(self._walk([base], self._checked(path), follow)[2])

    def _base(self, slot: int) -> Node:
        node = self._opened[slot][0]
        node.names  # noqa: B018
        return node

    def _named(self, base: int, path: str) -> tuple[Node, str, Node]:
        way, name = self._parent([self._base(base)], path)
        return way[-1], name, _there(self._get(way[-1], name))

    def _add(self, base: int, path: str, node: Node) -> None:
        way, name = self._parent([self._base(base)], path)
        if self._get(way[-1], name) is not None:
            raise Errno("EEXIST")
        _put(way[-1], name, node)

    # ---- operations

    def open(self, base: int, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags, slot: int) -> object:
        top = self._base(base)
        if OpenFlags.DIRECTORY in how and how != OpenFlags.DIRECTORY:
            raise Errno("EINVAL")
        self._checked(path)
        creates = CREATE in how
        if creates and path.endswith("/"):
            raise Errno("EISDIR")
        way, name, node = self._walk([top], path, follow and not (creates and EXCLUSIVE in how))
        if node is not None and creates and EXCLUSIVE in how:
            raise Errno("EEXIST")
        flags = use & ~DescriptorFlags.MUTATE_DIRECTORY
        if WRITE not in use:
            flags |= READ | (WRITE if how & (CREATE | TRUNCATE) else DescriptorFlags(0))
        if node is None and creates:
            node = Node(b"")
            _put(way[-1], name, node)
        node = _there(node)
        if isinstance(node.has, dict):
            if creates or WRITE in flags:
                raise Errno("EISDIR")
            slot = DIRECTORY
            flags = READ | use & DescriptorFlags.MUTATE_DIRECTORY
        elif OpenFlags.DIRECTORY in how:
            raise Errno("ENOTDIR")
        elif isinstance(node.has, str):
            raise Errno("ELOOP")
        elif TRUNCATE in how:
            node.has = b""
        self._opened[slot] = node, flags
        return node.kind, flags

    def _content(self, slot: int, offset: int, use: DescriptorFlags, otherwise: str = "EBADF") -> bytes:
        node, flags = self._opened[slot]
        if not isinstance(node.has, bytes):
            raise Errno("EBADF")
        if offset > MOST:
            raise Errno("EINVAL")
        if use not in flags:
            raise Errno(otherwise)
        return node.has

    def read(self, slot: int, offset: int) -> object:
        return self._content(slot, offset, READ)[offset : offset + 70]

    def write(self, slot: int, data: bytes, offset: int) -> object:
        content = self._content(slot, offset, WRITE)
        if data:
            self._opened[slot][0].has = content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]
        return len(data)

    def append(self, slot: int, data: bytes) -> object:
        return self.write(slot, data, len(self._content(slot, 0, DescriptorFlags(0))))

    def set_size(self, slot: int, size: int) -> None:
        self._opened[slot][0].has = self._content(slot, size, WRITE, "EINVAL")[:size].ljust(size, b"\0")

    def stat(self, slot: int) -> object:
        return _known(self._opened[slot][0])

    def same(self, slot: int, other: int) -> object:
        return self._opened[slot][0] is self._opened[other][0]

    def entries(self, base: int) -> object:
        return sorted(((name, node.kind) for name, node in self._base(base).names.items()), key=str)

    def stat_at(self, base: int, path: str, follow: bool) -> object:
        return _known(self._find(self._base(base), path, follow))

    def readlink(self, base: int, path: str) -> object:
        _, _, node = self._named(base, path)
        if not isinstance(node.has, str):
            raise Errno("EINVAL")
        return node.has

    def create_directory(self, base: int, path: str) -> None:
        self._add(base, path.rstrip("/") or path, Node({}))

    def remove_directory(self, base: int, path: str) -> None:
        directory, name, node = self._named(base, path.rstrip("/") or path)
        if name == ".":
            raise Errno("EINVAL")
        if node.names:
            raise Errno("ENOTEMPTY")
        _take(directory, name)

    def remove_file(self, base: int, path: str) -> None:
        directory, name, node = self._named(base, path)
        if node.kind is Kind.DIRECTORY:
            raise Errno("EISDIR")
        _take(directory, name)

    def rename(self, base: int, path: str, new_base: int, new_path: str) -> None:
        top, new_top = self._base(base), self._base(new_base)
        way, name = self._parent([top], path.rstrip("/") or path)
        new_way, new_name = self._parent([new_top], new_path.rstrip("/") or new_path)
        if path.endswith("/") or new_path.endswith("/"):
            _there(self._get(way[-1], name)).names  # noqa: B018
        if "." in (name, new_name):
            raise Errno("EBUSY")
        node = _there(self._get(way[-1], name))
        target = self._get(new_way[-1], new_name)
        if target is node:
            return
        if _holds(node, new_way[-1]):
            raise Errno("EINVAL")
        if target is not None:
            if _holds(target, way[-1]):
                raise Errno("ENOTEMPTY")
            if node.kind is Kind.DIRECTORY and target.names:
                raise Errno("ENOTEMPTY")
            if node.kind is not Kind.DIRECTORY and target.kind is Kind.DIRECTORY:
                raise Errno("EISDIR")
            _take(new_way[-1], new_name)
        _put(new_way[-1], new_name, node)
        del way[-1].names[name]

    def link(self, base: int, path: str, new_base: int, new_path: str) -> None:
        top, new_top = self._base(base), self._base(new_base)
        way, name = self._parent([top], path)
        new_way, new_name = self._parent([new_top], new_path)
        node = _there(self._get(way[-1], name))
        if self._get(new_way[-1], new_name) is not None:
            raise Errno("EEXIST")
        if node.kind is Kind.DIRECTORY:
            raise Errno("EPERM")
        _put(new_way[-1], new_name, node)
        node.links += 1

    def symlink(self, base: int, text: str, path: str) -> None:
        self._base(base)
        self._checked(text)
        self._add(base, path, Node(text))


def _there(node: Node | None) -> Node:
    if node is None:
        raise Errno("ENOENT")
    return node


def _known(node: Node) -> object:
    if isinstance(node.has, dict):
        return node.kind, node.links > 0
    return node.kind, len(node.has), node.links


def _put(directory: Node, name: str, node: Node) -> None:
    if not directory.links:
        raise Errno("ENOENT")
    directory.names[name] = node


def _take(directory: Node, name: str) -> None:
    directory.names.pop(name).links -= 1


def _holds(node: Node, other: Node) -> bool:
    """Whether a node is the other one, or a directory above it."""
    return node is other or (isinstance(node.has, dict) and any(_holds(each, other) for each in node.has.values()))


def _below(directory: Node, path: str) -> Iterator[tuple[str, object]]:
    for name, node in directory.names.items():
        if isinstance(node.has, dict):
            yield path + name, None
            yield from _below(node, f"{path}{name}/")
        else:
            yield path + name, node.has if isinstance(node.has, str) else (node.has, node.links)
