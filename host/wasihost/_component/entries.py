"""The cached form of a compiled component: everything between the guest's bytes and a `Component`.

An entry is a line of JSON, with the world and the interfaces that are left to the linker, then Wasmtime's form of the
compiled code, and then the data that is not in there.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import wasmtime
from wasmtime.component import Component

from wasihost._base.errors import ComponentError
from wasihost._base.limits import Limits
from wasihost._base.version import __version__
from wasihost._component.code import Code, Data
from wasihost._component.reasons import reason
from wasihost._component.world.plain import from_plain, to_plain
from wasihost._component.world.sections import COMPONENT_VERSION, MAGIC
from wasihost._component.world.wiring import Wiring

CHECKED = ("world_parts", "module_items", "data_segments", "async_components")
"""The limits that are looked at before compiling."""


def key(
    engine: wasmtime.Engine,
    in_order: frozenset[str],
    windowed: frozenset[str],
    for_linker: bool,
    limits: Limits,
    wasm: bytes,
) -> str:
    """The name of an entry: a digest of all that the compiled component depends on, but for `native`.

    Errors: ComponentError, if the engine takes no components at all.
    """
    checked = " ".join(str(getattr(limits, name)) for name in CHECKED)
    names_of = ("\n".join(sorted(paths)).encode() for paths in (in_order, windowed))
    others = f"{checked} {for_linker}".encode()
    parts = [__version__.encode(), _generator(), _settings(engine), others, *names_of, wasm]
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def _settings(engine: wasmtime.Engine) -> bytes:
    """The form of an empty component in an engine: Wasmtime writes its version, the processor's features and every
    setting into it that compiled code depends on."""
    try:
        return bytes(Component(engine, MAGIC + COMPONENT_VERSION).serialize())
    except wasmtime.WasmtimeError as error:
        refused = reason(error)
    raise ComponentError(f"this engine takes no components: {refused}")


@functools.cache
def _generator() -> bytes:
    """The sources that reflection and composition are made of: in a checkout they change without the version."""
    here = Path(__file__).parent
    patterns = ("entries.py", "compilation.py", "world/*.py", "composition/*.*")
    return b"".join(path.read_bytes() for pattern in patterns for path in sorted(here.glob(pattern)))


def build(in_order: Iterable[str], windowed: Iterable[str]) -> str:
    """Identifies the generators of adapter and driver components, also if the version is the same."""
    names_of = ("\n".join(sorted(paths)).encode() for paths in (in_order, windowed))
    return sha256(b"".join(sha256(part).digest() for part in (_generator(), *names_of))).hexdigest()[:16]


def described(wiring: Wiring, code: Code) -> dict[str, Any]:
    """The world, how it is wired, and what data belongs to the code, for JSON."""
    return {
        "world": to_plain(wiring.world),
        "native": sorted(wiring.native),
        "windowed": sorted(wiring.windowed),
        "for_linker": wiring.for_linker,
        "data": [[data.size, data.start, len(data.data)] for data in code.data],
    }


def wiring_of(description: Mapping[str, Any], in_order: frozenset[str]) -> Wiring:
    """The wiring that was described."""
    world = from_plain(description["world"])
    native = frozenset(description["native"])
    return Wiring(world, native, in_order, frozenset(description["windowed"]), description["for_linker"])


def data_of(description: Mapping[str, Any], contents: bytes | memoryview) -> tuple[Data, ...]:
    """The data that was described, at the end of some contents."""
    at = len(contents) - size_of_data(description)
    found: list[Data] = []
    for size, start, length in description["data"]:
        found.append(Data(size, start, contents[at : at + length]))
        at += length
    return tuple(found)


def size_of_data(description: Mapping[str, Any]) -> int:
    """How many bytes of data were described."""
    return sum(length for _, _, length in description["data"])


def pack(wiring: Wiring, code: Code) -> bytes:
    """The entry of a compiled component."""
    text = json.dumps(described(wiring, code)).encode()
    return b"".join([text, b"\n", code.component.serialize(), *(data.data for data in code.data)])


def unpack(
    engine: wasmtime.Engine, in_order: frozenset[str], native: Callable[[str], bool], entry: bytes
) -> tuple[Wiring, Code] | None:
    """The unpacked entry; None if other interfaces are left to the linker now, or Wasmtime does not take the code."""
    end = entry.index(b"\n")
    description = json.loads(entry[:end])
    wiring = wiring_of(description, in_order)
    if wiring.native != frozenset(filter(native, wiring.world.imports)):
        return None
    code = entry[end + 1 : len(entry) - size_of_data(description)]
    with contextlib.suppress(wasmtime.WasmtimeError):
        return wiring, Code(Component.deserialize(engine, code), data_of(description, entry))
    return None
