"""Gives the guest a window: a memory of ours inside it, through which the bytes of a call go to Python as a block.

Theory of operation. Wasmtime copies a `list<u8>` between two components byte by byte, and looks for a new epoch at
each; as a value of its C API each byte would be 32. So where the guest lowers such a function of an interface that is
`windowed`, its core module gets a core function of ours instead (`window.wat`):

    takes   write(self, contents)   copies the list into the window, then calls   write(self, u32)
    gives   read(self, len)         calls   read(self, len) -> result<u32, E>,   makes a list with the guest's realloc,
                                    copies the bytes out of the window, and puts the list into the result

They are inside the guest's component, the only place where its memory can be had. Every access is WebAssembly's own:
pointers of the guest are checked as in any instruction, handles and results are left to Wasmtime as before, and Python
looks into the window and never into the guest's memory. The window is the first memory of the guest.

In the binary, `list<u8>` becomes `u32` in the type of the imported interface, and the function that the guest lowered
is handed to instances of our modules, from which an alias takes the lowering's place. So the core modules, core
instances and core functions behind have new indices, wherever they are mentioned; all other indices stay. Whether the
outcome is valid is for Wasmtime to judge, see `compilation.py`. A guest that does anything else with such a function,
such as passing it on to a component inside, stays as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

import wasmtime

from wasihost._component.composition.coremodule import text
from wasihost._component.world import canonical
from wasihost._component.world.passages import Passage
from wasihost._component.world.sections import (
    ALIASES,
    CANONICAL,
    COMPONENT,
    CORE_EXPORT_TARGET,
    CORE_FUNC_SORT,
    CORE_INSTANCE_SORT,
    CORE_INSTANCES,
    CORE_MEMORY_SORT,
    CORE_MODULE,
    CORE_MODULE_SORT,
    CORE_SORT,
    EXPORT_TARGET,
    EXPORTS,
    FUNC_SORT,
    IMPORTS,
    INSTANCE_SORT,
    INSTANCES,
    PREAMBLE,
    TYPE_SORT,
    TYPES,
    Reader,
    leb,
    section,
    sections,
)

_MODULES = ("window", *(passage.value for passage in Passage))  # in the order of window.wat
_WINDOW = 0  # both the module and its instance

# As declarations in the type of an instance.
_LIST_OF_BYTES = b"\x01\x70\x7d"
_U32 = b"\x01\x79"
_WITH_DESTRUCTOR = b"\x3f\x7f\x01"
_ALIAS_OF_OUTER_MODULE = b"\x00\x11\x02"
_NONE: Mapping[str, Passage] = {}
_ALL_FROM_EXPORTS = 1  # a (core) instance that is put together, and not instantiated


def give_window(wasm: bytes, passages: Mapping[str, Mapping[str, Passage]]) -> bytes | None:
    """The guest with a window for functions of some imported interfaces; None if it has to stay as it is.

    The result for a binary that is not valid, or means more than is understood here, need not be valid either.
    """
    with contextlib.suppress(LookupError):
        return _Rewriting(passages).of(wasm)
    return None


class _Numbering:
    """The indices of one sort: in `new` those of the guest's definitions, by the old ones. `count` includes ours."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.new: list[int] = []

    def define(self) -> None:
        """Counts one of the guest's."""
        self.new.append(self.insert())

    def insert(self) -> int:
        """Counts one of ours: its index."""
        self.count += 1
        return self.count - 1


class _Copy(Reader):
    """Reads a section, and writes it anew with other indices."""

    def __init__(self, contents: bytes) -> None:
        super().__init__(contents)
        self._from = 0
        self._out = bytearray()

    def renumbered(self, numbering: _Numbering) -> int:
        """Reads an index and writes the new one, which it gives."""
        self._out += self.contents[self._from : self.at]
        new = numbering.new[self.number()]
        self._out += leb(new)
        self._from = self.at
        return new

    def take(self) -> bytes:
        """The bytes read since the last time."""
        taken = bytes(self._out + self.contents[self._from : self.at])
        self._out.clear()
        self._from = self.at
        return taken


class _Rewriting:
    def __init__(self, passages: Mapping[str, Mapping[str, Passage]]) -> None:
        self._passages = passages
        self._out: list[bytes] = []
        self._numberings = {
            CORE_FUNC_SORT: _Numbering(),
            CORE_MODULE_SORT: _Numbering(len(_MODULES)),
            CORE_INSTANCE_SORT: _Numbering(1),
        }
        self._core_funcs = self._numberings[CORE_FUNC_SORT]
        self._core_instances = self._numberings[CORE_INSTANCE_SORT]
        self._instances: list[Mapping[str, Passage]] = []  # by index, the functions that pass
        self._funcs: list[Passage | None] = []  # by index
        self._type_count = 0
        self._places: dict[int, int] = {}  # of types that are alone in their section, in the output
        self._has_lowered = False

    def of(self, wasm: bytes) -> bytes:
        ours = bytes(wasmtime.wat2wasm(text("window.wat")))
        self._out.append(wasm[:PREAMBLE])
        self._out += [section(number, contents) for number, contents in sections(ours) if number]
        rewrite = {
            CORE_MODULE: self._module,
            CORE_INSTANCES: self._core_instance_section,
            COMPONENT: self._component,
            INSTANCES: self._instance_section,
            ALIASES: self._alias_section,
            TYPES: self._type_section,
            CANONICAL: self._canonical_section,
            IMPORTS: self._import_section,
            EXPORTS: self._export_section,
        }
        for number, contents in sections(wasm):
            rewrite.get(number, bytes)(contents)
            if number not in rewrite:
                self._out.append(section(number, contents))
        if not self._has_lowered:
            raise LookupError("the guest does not lower a function that would pass")
        return b"".join(self._out)

    def _define(self, sort: int, passage: Passage | None = None, functions: Mapping[str, Passage] = _NONE) -> None:
        """Counts a definition of the guest: a function with its passage, an instance with its functions that pass."""
        if sort in self._numberings:
            self._numberings[sort].define()
        elif sort == FUNC_SORT:
            self._funcs.append(passage)
        elif sort == INSTANCE_SORT:
            self._instances.append(functions)
        elif sort == TYPE_SORT:
            self._type_count += 1

    def _index(self, copy: _Copy, sort: int) -> None:
        """Copies an index of a sort."""
        if sort in self._numberings:
            copy.renumbered(self._numberings[sort])
        else:
            copy.number()

    # ---- definitions of core modules, types and imports

    def _module(self, contents: bytes) -> None:
        self._define(CORE_MODULE_SORT)
        self._out.append(section(CORE_MODULE, contents))

    def _component(self, contents: bytes) -> None:
        _check_outer_aliases(contents)
        self._out.append(section(COMPONENT, contents))

    def _type_section(self, contents: bytes) -> None:
        if self._has_lowered and _WITH_DESTRUCTOR in contents:
            raise LookupError("a core function may be mentioned that has another index now")
        count = Reader(contents).number()
        if count == 1:
            self._places[self._type_count] = len(self._out)
        self._type_count += count
        self._out.append(section(TYPES, contents))

    def _import_section(self, contents: bytes) -> None:
        reader = Reader(contents)
        for _ in range(reader.number()):
            name = reader.external_name()
            sort, index = reader.description()
            functions = self._passages.get(name, _NONE)
            if functions and index is not None:
                self._edit_type(self._places[index])
            self._define(sort, functions=functions)
        self._out.append(section(IMPORTS, contents))

    def _edit_type(self, place: int) -> None:
        [(_, contents)] = sections(bytes(PREAMBLE) + self._out[place])
        self._out[place] = section(TYPES, contents.replace(_LIST_OF_BYTES, _U32))

    # ---- mentions of core functions, modules and instances

    def _alias_section(self, contents: bytes) -> None:
        copy = _Copy(contents)
        for _ in range(copy.number()):
            sort = copy.sort()
            target = copy.byte()
            passage = None
            if target == CORE_EXPORT_TARGET:
                copy.renumbered(self._core_instances)
                copy.name()
            elif target == EXPORT_TARGET:
                functions = self._instances[copy.number()]
                passage = functions.get(copy.name())
            elif sort == CORE_MODULE_SORT:
                raise LookupError("an alias of a module of the guest itself")
            else:
                copy.number()
                copy.number()
            self._define(sort, passage)
        self._out.append(section(ALIASES, copy.take()))

    def _core_instance_section(self, contents: bytes) -> None:
        copy = _Copy(contents)
        for _ in range(copy.number()):
            if copy.byte() != _ALL_FROM_EXPORTS:
                copy.renumbered(self._numberings[CORE_MODULE_SORT])
            for _ in range(copy.number()):
                copy.name()
                self._index(copy, CORE_SORT + copy.byte())
            self._core_instances.define()
        self._out.append(section(CORE_INSTANCES, copy.take()))

    def _instance_section(self, contents: bytes) -> None:
        copy = _Copy(contents)
        for _ in range(copy.number()):
            read_name = copy.external_name
            if copy.byte() != _ALL_FROM_EXPORTS:
                copy.number()
                read_name = copy.name
            for _ in range(copy.number()):
                read_name()
                self._index(copy, copy.sort())
            self._define(INSTANCE_SORT)
        self._out.append(section(INSTANCES, copy.take()))

    def _export_section(self, contents: bytes) -> None:
        copy = _Copy(contents)
        for _ in range(copy.number()):
            copy.external_name()
            sort = copy.sort()
            self._index(copy, sort)
            if copy.byte():
                copy.description()
            self._define(sort)
        self._out.append(section(EXPORTS, copy.take()))

    def _canonical_section(self, contents: bytes) -> None:
        copy = _Copy(contents)
        count = copy.number()
        copy.take()
        functions: list[bytes] = []
        for number in range(count):
            passage, options = self._canonical(copy)
            functions.append(copy.take())
            if passage is not None or number == count - 1:
                self._out.append(section(CANONICAL, _vector(functions)))
                functions.clear()
            if passage is not None:
                self._lower(passage, options)

    def _canonical(self, copy: _Copy) -> tuple[Passage | None, dict[int, int]]:
        """Copies a canonical function: the passage of the lowered function, and the options that have an index."""
        function = copy.byte()
        numbers: list[int] = []
        options: dict[int, int] = {}
        for operand in canonical.OPERANDS[function]:
            if operand == "o":
                options = self._options(copy)
            elif operand == "f":
                copy.renumbered(self._core_funcs)
            else:
                numbers.append(copy.number())
        passage = self._funcs[numbers[1]] if function == canonical.LOWER else None
        if passage is None:
            self._define(FUNC_SORT if function == canonical.LIFT else CORE_FUNC_SORT)
        return passage, options

    def _options(self, copy: _Copy) -> dict[int, int]:
        options = {}
        for _ in range(copy.number()):
            option = copy.byte()
            if option in canonical.OF_CORE_FUNC:
                options[option] = copy.renumbered(self._core_funcs)
            elif option in canonical.WITH_INDEX:
                options[option] = copy.number()
        return options

    # ---- a lowering

    def _lower(self, passage: Passage, options: Mapping[int, int]) -> None:
        """Behind a lowering: its replacement."""
        host = self._core_funcs.insert()
        guest = [
            _text("host") + _core_index(CORE_FUNC_SORT, host),
            _text("memory") + _core_index(CORE_MEMORY_SORT, options[canonical.MEMORY]),
        ]
        if passage is Passage.GIVES:
            guest.append(_text("realloc") + _core_index(CORE_FUNC_SORT, options[canonical.REALLOC]))
        arguments = [
            _text("window") + _core_index(CORE_INSTANCE_SORT, _WINDOW),
            _text("guest") + _core_index(CORE_INSTANCE_SORT, self._core_instances.insert()),
        ]
        module = _MODULES.index(passage.value)
        made = [bytes([_ALL_FROM_EXPORTS]) + _vector(guest), b"\0" + leb(module) + _vector(arguments)]
        self._out.append(section(CORE_INSTANCES, _vector(made)))
        alias = bytes([0, CORE_FUNC_SORT - CORE_SORT, CORE_EXPORT_TARGET]) + leb(self._core_instances.insert())
        self._out.append(section(ALIASES, _vector([alias + _text("call")])))
        self._core_funcs.define()
        self._has_lowered = True


def _check_outer_aliases(component: bytes) -> None:
    """Raises LookupError if a component inside may mention a module of the guest, which has another index now."""
    for number, contents in sections(component):
        if number == COMPONENT:
            _check_outer_aliases(contents)
        elif number == ALIASES and _ALIAS_OF_OUTER_MODULE in contents:
            raise LookupError("an alias of an outer module")


def _vector(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return leb(len(items)) + b"".join(items)


def _text(name: str) -> bytes:
    return leb(len(name)) + name.encode()


def _core_index(sort: int, index: int) -> bytes:
    return bytes([sort - CORE_SORT]) + leb(index)
