"""Runs components written as WebAssembly text, with providers that a test makes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import wasmtime

from wasihost._component.adapt import Component, adapt
from wasihost._component.instance import Instance
from wasihost._component.resources import ResourceTable
from wasihost._component.running.engine import default_engine
from wasihost._component.running.options import RunOptions

WAT = Path(__file__).parents[2] / "guest-fixtures" / "wat"


def assemble(text: str, windowed: Iterable[str] = ()) -> Component:
    """A component from its text, ready to be opened."""
    return adapt(default_engine(), bytes(wasmtime.wat2wasm(text)), windowed=windowed)


@contextlib.asynccontextmanager
async def running(guest: Component | str, providers: Mapping[str, object], **options: Any) -> AsyncIterator[Instance]:
    """An instance of a component, or of the fixture of that name; its resource table must be empty at the end."""
    if isinstance(guest, str):
        guest = assemble((WAT / f"{guest}.wat").read_text(encoding="utf-8"))
    table = ResourceTable()
    async with guest.open(providers, table=table, options=RunOptions(**options)) as instance:
        yield instance
        # After a trap nobody drops anything any more; closing clears the table.
        assert len(table) == 0 or not instance.is_usable, f"left in the resource table: {list(table._objects.values())}"
