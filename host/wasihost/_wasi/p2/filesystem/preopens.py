"""`wasi:filesystem/preopens`."""

from __future__ import annotations

from typing import TypeAlias

from wasihost._wasi.p2.filesystem.types import Descriptor

_Descriptor: TypeAlias = Descriptor  # the provider has an attribute of that name


class Preopens:
    """Provider of wasi:filesystem/preopens: there is no directory."""

    Descriptor = Descriptor

    def get_directories(self) -> list[tuple[_Descriptor, str]]:
        """WIT: `get-directories: func() -> list<tuple<descriptor, string>>`."""
        return []
