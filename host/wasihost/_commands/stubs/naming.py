"""Every name of a generated module: Python's form of WIT's, unique, and never in the way of what the module imports."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Iterator

from wasihost._base.quoting import printable
from wasihost._commands.stubs.folding import WIDTH
from wasihost._component.values import camel_case, snake_case
from wasihost._component.world import types

# Where the names come from that the module uses and does not define.
_ORIGINS = {
    "collections.abc": ("AsyncIterable", "Awaitable", "Mapping", "Sequence"),
    "dataclasses": ("dataclass", "field"),
    "enum": ("Enum", "Flag"),
    "functools": ("cached_property",),
    "typing": ("Any", "ClassVar", "Literal", "Protocol"),
    "wasihost": (
        "GuestByteStream",
        "ByteSource",
        "Err",
        "Exports",
        "GuestResource",
        "Ok",
        "Some",
        "GuestValueStream",
        "ValueSource",
    ),
}


def docstring(text: str, indent: str) -> str:
    """A docstring of one line."""
    escaped = printable(text).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'{indent}"""{escaped}{" " if escaped.endswith(chr(34)) else ""}"""'


def unique(name: str, taken: Iterable[str]) -> str:
    """`name`, with an underscore for as long as it is taken."""
    taken = set(taken)
    while name in taken:
        name += "_"
    return name


def parameters(func: types.Func, skip: int = 0) -> list[str]:
    """The names of a function's parameters but for the first ones."""
    found = ["self"]
    for name, _ in func.params[skip:]:
        # An l looks like a 1, says E741 of flake8 and ruff.
        found.append(unique("l_" if name == "l" else identifier(snake_case(name)), found))
    return found[1:]


def identifier(name: str) -> str:
    """`name` if it can be one in Python, else what can."""
    found = re.sub(r"\W", "_", name, flags=re.ASCII)
    return found if found.isidentifier() and not keyword.iskeyword(found) else f"_{found}"


def class_name(name: str) -> str:
    """The same of a class."""
    return identifier(camel_case(name))


def interface_name(interface: str, with_package: bool) -> str:
    """`Store` or `KvStore` for `example:kv/store@1.0.0`."""
    package, _, name = interface.partition("@")[0].rpartition("/")
    words = f"{package.rpartition(':')[2]}-{name}" if with_package else name
    return class_name(words or "world")


class Names:
    """The names of one module."""

    def __init__(self, world: types.World) -> None:
        self._members = set(_members(world))
        self._classes: list[str] = []
        self._used: dict[str, set[str]] = {}

    def new_class(self, name: str) -> str:
        """A name for a class at the top of the module."""
        self._classes.append(unique(identifier(name), self._classes))
        return self._classes[-1]

    def of(self, name: str) -> str:
        """How to say a name of Python's or the library's: with an underscore where WIT has a name like it."""
        origin = next((module for module, names in _ORIGINS.items() if name in names), "builtins")
        clashes = name in self._members
        if origin != "builtins" or clashes:
            self._used.setdefault(origin, set()).add(f"{name} as _{name}" if clashes else name)
        return f"_{name}" if clashes else name

    def imports(self) -> Iterator[str]:
        """The import statements for all that was said, as isort has them: an alias has a statement of its own."""
        for module, names in sorted(self._used.items()):
            if module == "wasihost":
                yield ""
            plain = sorted(name for name in names if " as " not in name)
            for group in sorted([[name] for name in names if " as " in name] + [plain] * bool(plain)):
                line = f"from {module} import {', '.join(group)}"
                if len(line) <= WIDTH:
                    yield line
                else:
                    yield f"from {module} import ("
                    yield from (f"    {name}," for name in group)
                    yield ")"


def _members(world: types.World) -> Iterator[str]:
    """Every name that a class in the module, or a member of one, can have, as far as it can be in the way."""
    known = {*dir(builtins), *(name for names in _ORIGINS.values() for name in names)}
    for interface_path, interface in (*world.imports.items(), *world.exports.items()):
        yield from {interface_name(interface_path, with_package) for with_package in (False, True)} & known
        for name, item in interface.items.items():
            words = [name.rpartition("]")[2].rpartition(".")[2]]
            if isinstance(item, types.Record):
                words += [field for field, _ in item.fields]
            if isinstance(item, types.Variant):
                words += [f"{name}-{case}" for case, _ in item.cases]
            for word in words:
                yield from {snake_case(word), camel_case(word)} & known
