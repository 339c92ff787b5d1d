"""Exported interfaces with typed methods: the base of the classes that `wasihost stubs` writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from wasihost._component.instance import Instance


class Exports:
    """One exported interface of an instance; results come as objects of the classes that stand beside it."""

    _interface: ClassVar[str] = ""
    _wit_types: ClassVar[Mapping[str, type]] = {}

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        instance.use_types(self._interface, self._wit_types)

    async def _call(self, path: str, *args: Any) -> Any:
        return await self._instance.call(path, *args)
