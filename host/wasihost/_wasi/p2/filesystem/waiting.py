"""The resource `descriptor` on file systems that may take time.

A function in which a guest may wait costs it a microsecond more at each call, so those of `Descriptor` are plain.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from wasihost._component.values import may_wait
from wasihost._wasi.p2.filesystem.descriptor import Descriptor
from wasihost._wasi.p2.filesystem.preopens import Preopens
from wasihost._wasi.p2.filesystem.types import Types

T = TypeVar("T")

AT_ONCE = {"read_via_stream", "write_via_stream", "append_via_stream", "advise", "get_flags", "is_same_object", "drop"}
"""Methods that never wait: they ask the file system nothing, or always get the answer at once."""


def _waiting(method: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(method)
    def call(*args: Any) -> T:
        return method(*args)

    return may_wait(call)


class WaitingDescriptor(Descriptor):
    """WIT: `resource descriptor`."""

    __slots__ = ()


for _name, _method in vars(Descriptor).items():
    if not _name.startswith("_") and _name not in AT_ONCE:
        setattr(WaitingDescriptor, _name, _waiting(_method))


class WaitingTypes(Types):
    """Provider of wasi:filesystem/types."""

    Descriptor = WaitingDescriptor


class WaitingPreopens(Preopens):
    """Provider of wasi:filesystem/preopens."""

    Descriptor = WaitingDescriptor
