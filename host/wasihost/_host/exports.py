"""Exported interfaces with typed methods: the base of the classes that `wasihost stubs` writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, cast

from wasihost._component.instance import Instance
from wasihost._host.sync import SyncInstance

T = TypeVar("T")


class Exports:
    """One exported interface of an instance; results are objects of the classes defined beside it."""

    _interface: ClassVar[str] = ""
    _wit_types: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, instance: Instance | SyncInstance) -> None:
        self._instance = instance
        if self._interface or self._wit_types:  # a world may have no functions outside of its interfaces
            instance.use_types(self._interface, self._wit_types)

    async def _call(self, path: str, *args: Any) -> T:
        result: T = await self._instance.call(path, *args)
        return result

    def _call_now(self, path: str, *args: Any) -> T:  # type: ignore[type-var] # the caller has the type
        """The same of a `SyncInstance`."""
        return cast(T, self._instance.call(path, *args))
