"""`wasi:filesystem/preopens`."""

from __future__ import annotations

from typing import TypeAlias

from wasihost._base.streams import Unwritten
from wasihost._wasi.filesystem import descriptor
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.p2.filesystem.descriptor import Descriptor

_Descriptor: TypeAlias = Descriptor  # the provider has an attribute of that name


class Preopens:
    """Provider of wasi:filesystem/preopens."""

    Descriptor: type[_Descriptor] = Descriptor

    def __init__(self, mounts: Mounts, unwritten: Unwritten) -> None:
        self._mounts = mounts
        self._unwritten = unwritten

    def get_directories(self) -> list[tuple[_Descriptor, str]]:
        """WIT: `get-directories: func() -> list<tuple<descriptor, string>>`; new descriptors each time."""
        return [(self.Descriptor(each, self._unwritten), name) for each, name in descriptor.preopened(self._mounts)]
