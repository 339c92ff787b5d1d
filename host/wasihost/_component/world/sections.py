"""The binary formats of components and core modules: sections, numbers and names.

Binary.md of the component model: after an 8-byte preamble (magic, version, layer) come sections: an id byte, the size
as LEB128, the contents. Core modules (id 1) and components (id 4) nest whole binaries.
"""

from __future__ import annotations

from collections.abc import Iterator

MAGIC = b"\0asm"
CORE_VERSION = b"\1\0\0\0"
COMPONENT_VERSION = b"\x0d\0\1\0"
PREAMBLE = 8

# Sections of a component.
CORE_MODULE = 1
CORE_INSTANCES = 2
COMPONENT = 4
INSTANCES = 5
ALIASES = 6
TYPES = 7
CANONICAL = 8
IMPORTS = 10
EXPORTS = 11

# Sections of a core module.
CUSTOM = 0
IMPORT = 2
MEMORY = 5
GLOBAL = 6
CODE = 10
DATA = 11
DATA_COUNT = 12

# The sorts of a component's definitions; those of core WebAssembly are behind a byte that says so.
FUNC_SORT = 1
TYPE_SORT = 3
INSTANCE_SORT = 5
CORE_SORT = 0x100
CORE_FUNC_SORT = CORE_SORT + 0x00
CORE_MEMORY_SORT = CORE_SORT + 0x02
CORE_MODULE_SORT = CORE_SORT + 0x11
CORE_INSTANCE_SORT = CORE_SORT + 0x12

# The targets of an alias.
EXPORT_TARGET = 0
CORE_EXPORT_TARGET = 1
OUTER_TARGET = 2

MAX_LEB_BITS = 28
_NAME_WITH_OPTIONS = 2


def read_leb(wasm: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number of at most 32 bits, and the position after it."""
    value = shift = 0
    while True:
        byte = wasm[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > MAX_LEB_BITS:
            raise IndexError


def leb(value: int) -> bytes:
    """An unsigned LEB128 number."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def sections(wasm: bytes) -> Iterator[tuple[int, bytes]]:
    """The (id, contents) of every top-level section."""
    at = PREAMBLE
    while at < len(wasm):
        size, start = read_leb(wasm, at + 1)
        if start + size > len(wasm):
            raise IndexError
        yield wasm[at], wasm[start : start + size]
        at = start + size


def section(number: int, contents: bytes) -> bytes:
    return bytes([number]) + leb(len(contents)) + contents


class Reader:
    """Reads the contents of a section from front to back. Errors: IndexError at the end."""

    def __init__(self, contents: bytes) -> None:
        self.contents = contents
        self.at = 0

    def byte(self) -> int:
        found = self.contents[self.at]
        self.at += 1
        return found

    def number(self) -> int:
        value, self.at = read_leb(self.contents, self.at)
        return value

    def skip(self) -> None:
        """Reads past a number of any size."""
        while self.byte() > 0x7F:
            pass

    def bytes(self) -> bytes:
        """Bytes behind their number."""
        size = self.number()
        start = self.at
        self.at += size
        if self.at > len(self.contents):
            raise IndexError
        return self.contents[start : self.at]

    def name(self) -> str:
        return self.bytes().decode(errors="replace")

    def external_name(self) -> str:
        """The name of an import or export."""
        form = self.byte()
        name = self.name()
        if form == _NAME_WITH_OPTIONS:
            for _ in range(self.number()):
                self.byte()
                self.name()
        return name

    def sort(self) -> int:
        return self.byte() or CORE_SORT + self.byte()

    def description(self) -> tuple[int, int | None]:
        """An `externdesc`: a sort, and an index if it has one, which `sub resource` has not."""
        sort = self.sort()
        is_indexed = sort != TYPE_SORT or self.byte() == 0
        return sort, self.number() if is_indexed else None
