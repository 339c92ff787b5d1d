"""The imports of a component at its root, in order, and the indices of the types among them.

Wasmtime's reflection does not list types that are imported at the root (`record point` of a world, `use iface.{t}`),
but they have to be given when the component is instantiated. They are found here by their names, and exported from
the component that is reflected. To know an index, everything before that defines a type is counted: types, aliases,
imports and exports of types. Binary.md of the component model has the encoding.
"""

from __future__ import annotations

from wasihost._base.limits import DEFAULTS, Limits
from wasihost._component.world.sections import (
    ALIASES,
    EXPORTS,
    IMPORTS,
    OUTER_TARGET,
    PREAMBLE,
    TYPE_SORT,
    TYPES,
    Reader,
    leb,
    section,
    sections,
)


class RootImports:
    """`names` of all imports, and the indices of those that are types."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.types: dict[str, int] = {}
        self._defined = 0

    @classmethod
    def of(cls, wasm: bytes, origin: str = "the component", limits: Limits = DEFAULTS) -> RootImports:
        """Those of a component. Errors: IndexError if it is cut off, LimitError."""
        found = cls()
        for number, contents in sections(wasm):
            if number == IMPORTS:
                count = len(found.names) + Reader(contents).number()
                if count > limits.world_parts:
                    raise limits.reached("world_parts", f"{origin} has {count} imports")
            found._read(number, contents)
        return found

    def _read(self, number: int, contents: bytes) -> None:
        read = {ALIASES: _alias, IMPORTS: self._import, EXPORTS: _export}.get(number)
        if number == TYPES:
            self._defined += Reader(contents).number()
        elif read is not None:
            reader = Reader(contents)
            for _ in range(reader.number()):
                self._defined += read(reader) == TYPE_SORT

    def _import(self, reader: Reader) -> int:
        name = reader.external_name()
        self.names.append(name)
        sort, _ = reader.description()
        if sort == TYPE_SORT:
            self.types[name] = self._defined
        return sort

    def export_types(self) -> bytes:
        """A section that exports the imported types."""
        exports = [
            b"\0" + _text(export_name(number)) + bytes([TYPE_SORT]) + leb(index) + b"\0"
            for number, index in enumerate(self.types.values())
        ]
        return section(EXPORTS, leb(len(exports)) + b"".join(exports)) if exports else b""


def name_behind(wasm: bytes, offset: int) -> str | None:
    """The first import or export at the root behind a position: a type that is defined there is for it."""
    end = PREAMBLE
    for number, contents in sections(wasm):
        end += len(section(number, contents))
        if end > offset and number in (IMPORTS, EXPORTS):
            reader = Reader(contents)
            if reader.number():
                return reader.external_name()
    return None


def export_name(number: int) -> str:
    """Under which name an imported type is exported."""
    return f"wasihost-imported-type-{number}"


def _text(name: str) -> bytes:
    return leb(len(name)) + name.encode()


def _alias(reader: Reader) -> int:
    sort = reader.sort()
    target = reader.byte()
    reader.number()
    if target == OUTER_TARGET:
        reader.number()
    else:
        reader.name()
    return sort


def _export(reader: Reader) -> int:
    reader.external_name()
    sort = reader.sort()
    reader.number()
    if reader.byte():
        reader.description()
    return sort
