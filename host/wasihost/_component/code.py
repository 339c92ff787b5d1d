"""`Code`: a component when it is compiled."""

from __future__ import annotations

from wasmtime.component import Component

from wasihost._base.frozen import Frozen


class Data(Frozen):
    """What a memory that begins with `size` bytes has from `start` on: data that was taken out of the component."""

    size: int
    start: int
    data: bytes | memoryview


class Code(Frozen):
    """The composed component in Wasmtime's form, and data of its memories that is not in there."""

    component: Component
    data: tuple[Data, ...] = ()
