"""Finds the guests of tests, and keeps their compiled components for the next test."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from wasihost._component.adapt import Component
from wasihost._component.cache import Cache
from wasihost._host.host import Host
from wasihost._host.source import ComponentSource


class Components:
    """Compiles each component once; with a directory also once for several processes, and for the next session."""

    def __init__(self, directory: Path | None) -> None:
        self._host = Host(cache=None if directory is None else Cache(directory))
        self._loaded: dict[tuple[Path, int, int], Component] = {}

    def load(self, source: ComponentSource, folders: Iterable[Path]) -> Component:
        """A component, compiled at its first run; the first of `folders` that has a relative path counts.

        Errors: as `Host.reflect`.
        """
        if isinstance(source, bytes | Component):
            return self._host.reflect(source)
        path = _find(Path(source), list(folders))
        status = path.stat()
        key = path, status.st_mtime_ns, status.st_size
        if key not in self._loaded:
            self._loaded[key] = self._host.reflect(path)
        return self._loaded[key]


def _find(path: Path, folders: Sequence[Path]) -> Path:
    for folder in folders:
        found = folder / path  # an absolute path stays as it is
        if found.is_file():
            return found
    places = f"; looked in {', '.join(map(os.fspath, folders))}" if not path.is_absolute() else ""
    raise FileNotFoundError(f"there is no component {os.fspath(path)}{places}")
