"""Where components come from: files, as binary or text, and bytes."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import wasmtime

from wasihost._base import files
from wasihost._base.errors import ComponentError
from wasihost._base.limits import Limits
from wasihost._component.adapt import Component

ComponentSource: TypeAlias = "str | os.PathLike[str] | bytes | Component"
"""A component: a path to its file, or to its text in a .wat file, its bytes, or the result of `Host.load`."""

Bytes: TypeAlias = "str | os.PathLike[str] | bytes"
Plugs: TypeAlias = Mapping[str, Bytes]
"""Components that meet imports of another, by the names of the interfaces."""


def read_source(source: Bytes, limits: Limits) -> tuple[bytes, str]:
    """The bytes of a component, and its name in errors. Errors: ComponentError, LimitError, OSError."""
    if isinstance(source, bytes):
        return source, "the component"
    return read(Path(source), limits), os.fspath(source)


def read_plugged(
    engine: wasmtime.Engine,
    source: Bytes,
    plugs: Plugs,
    limits: Limits,
) -> tuple[bytes, str]:
    """The same of a component whose imports others meet. Errors: UnsupportedTypeError too."""
    # Not for hosts that compose nothing.
    from wasihost._component.composition.plugging import Part, plug
    from wasihost._component.world.reflect import reflect

    @functools.cache  # one component may meet several imports
    def part(source: str | bytes) -> Part:
        wasm, origin = read_source(source, limits)
        return Part(origin, wasm, reflect(engine, wasm, origin, limits))

    socket, *others = [part(each if isinstance(each, bytes) else os.fspath(each)) for each in (source, *plugs.values())]
    parts = dict(zip(plugs, others, strict=True))
    met = ", ".join(f"{name} from {each.origin}" for name, each in parts.items())
    return plug(socket, parts), f"{socket.origin} with {met}"


def read(path: Path, limits: Limits) -> bytes:
    """The bytes of the component in a file. Errors: ComponentError, LimitError, OSError."""
    with open(path, "rb", opener=files.regular) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limits.component_bytes:
            raise limits.reached("component_bytes", f"{path} has {size} bytes")
        content = file.read(size)
    return _from_text(path, content) if path.suffix == ".wat" else content


def _from_text(path: Path, text: bytes) -> bytes:
    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError as error:
        raise ComponentError(f"{path} is not the text of a component: {error}") from None
