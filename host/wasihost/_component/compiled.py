"""Compiled components in files of their own, which `wasihost compile` writes: for images and for workers.

A file is native code, mapped and run as it is: so it is taken only where it is asked for, and only if no other user can
have written it. It begins with Wasmtime's form, which ends by itself. Behind that come the data that is not in there, a
JSON object and a trailer with the object's size: `made`, with which versions and settings the code was made, and the
world.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import stat
import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import wasmtime.component

from wasihost._base import files
from wasihost._base.errors import ComponentError
from wasihost._base.quoting import line
from wasihost._component import entries
from wasihost._component.adapt import Component, wiring_of
from wasihost._component.code import Code, Data
from wasihost._component.reasons import reason

Made: TypeAlias = Mapping[str, str | bool]
"""The conditions of the code, by name: versions and settings."""

_TRAILER: Final = struct.Struct("<Q24s")
_MARK: Final = b"wasihost compile, form 1"
_OTHERS_CAN_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def write(path: str | os.PathLike[str], component: Component, made: Made) -> None:
    """Writes a compiled component, in the place of a file that is there. Errors: OSError, ComponentError."""
    code = component.compile()
    text = json.dumps({"made": dict(made), **entries.described(wiring_of(component), code)}).encode()
    temporary = f"{os.fspath(path)}.{os.getpid()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
            file.write(code.component.serialize())
            for data in code.data:
                file.write(data.data)
            file.write(text)
            file.write(_TRAILER.pack(len(text), _MARK))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def read(path: str | os.PathLike[str], engine: wasmtime.Engine, made: Made, in_order: Iterable[str]) -> Component:
    """A component that was written.

    Errors: ComponentError if it was made with others than `made`, or others may write to the file; OSError.
    """
    name = os.fspath(path)
    descriptor = files.regular(name, os.O_RDONLY)
    try:
        size = _check_trusted(descriptor, name)
        description, end = _description(descriptor, size, name)
        if (there := description["made"]) != made:
            raise ComponentError(line(f"{name} was compiled {_differing(there, made)}: compile it again"))
        wiring = entries.wiring_of(description, frozenset(in_order))
        code = Code(_mapped(engine, descriptor, name), _data(descriptor, end, description))
        return Component(engine, wiring, code, name)
    finally:
        os.close(descriptor)


def _check_trusted(descriptor: int, name: str) -> int:
    """The size of a file that only this user or root can have written."""
    found = os.fstat(descriptor)
    if found.st_uid not in (0, os.geteuid()):
        raise ComponentError(
            f"{name} is native code of user {found.st_uid}, and this process runs as user {os.geteuid()}: "
            "it must belong to this user or to root"
        )
    if found.st_mode & _OTHERS_CAN_WRITE:
        mode = stat.S_IMODE(found.st_mode)
        raise ComponentError(f"{name} is native code to which others can write, with mode {mode:o}: chmod go-w {name}")
    return found.st_size


def _description(descriptor: int, size: int, name: str) -> tuple[dict[str, Any], int]:
    """The JSON object, and where it begins."""
    trailer = os.pread(descriptor, _TRAILER.size, max(size - _TRAILER.size, 0))
    if len(trailer) == _TRAILER.size:
        length, mark = _TRAILER.unpack(trailer)
        start = size - _TRAILER.size - length
        if mark == _MARK and start >= 0:
            return json.loads(os.pread(descriptor, length, start)), start
    raise ComponentError(f"{name} is not what `wasihost compile` writes, or not all of it")


def _differing(there: Made, here: Made) -> str:
    """The differences, with both values."""
    names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    return " and ".join(f"with {name} {there.get(name)}, and here it is {here.get(name)}" for name in names)


def _mapped(engine: wasmtime.Engine, descriptor: int, name: str) -> wasmtime.component.Component:
    try:
        return wasmtime.component.Component.deserialize_file(engine, f"/dev/fd/{descriptor}")  # that was checked
    except wasmtime.WasmtimeError as error:
        refused = reason(error)
    raise ComponentError(f"{name} cannot be used here: {refused}")


def _data(descriptor: int, end: int, description: Mapping[str, Any]) -> tuple[Data, ...]:
    """The data, which ends there, as views of the file."""
    if not description["data"]:
        return ()
    return entries.data_of(description, memoryview(mmap.mmap(descriptor, end, access=mmap.ACCESS_READ)))
