"""What a job gives its guests, in a form that can travel to another process."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from pkgutil import resolve_name
from typing import Any

from wasihost._base.errors import ConfigError
from wasihost._base.frozen import Frozen
from wasihost._base.limits import Limits
from wasihost._component.cache import Cache
from wasihost._host.host import Host
from wasihost._network.quotas import Quotas
from wasihost._policy import Policy
from wasihost._wasi.filesystem.directory import Directory
from wasihost._wasi.filesystem.nodes import FileSystem

KEPT = 100_000
"""How many calls an instance serves that is kept; Wasmtime 50 ends it after 500,000, see `MOST_AT_ONCE`."""
_REUSE = {"fresh": 1, "kept": KEPT}


class DirectoryOf(Frozen):
    """A `Directory` that is opened where it is used."""

    path: str
    read_only: bool = False
    threads: bool = False

    def __call__(self) -> FileSystem:
        return Directory(self.path, read_only=self.read_only, threads=self.threads)


class Settings(Frozen):
    """As `wasihost.jobs.Component` has them."""

    limits: Limits
    policy: Policy
    quotas: Quotas | None
    files: tuple[tuple[str, Callable[[], FileSystem]], ...]
    providers: tuple[tuple[str, str], ...]
    reuse: int
    workers: int
    is_pure: bool

    def pickled(self) -> bytes:
        """Errors: ConfigError, which names the setting that cannot travel."""
        if self.workers < 1:
            raise ConfigError(f"a job needs workers >= 1, not {self.workers}")
        for name in self.__match_args__:
            try:
                pickle.dumps(getattr(self, name))
            except Exception as error:
                raise ConfigError(
                    f"{name} of a job cannot travel to another process: {error}; a callable must be one that can be "
                    "imported"
                ) from None
        return pickle.dumps(self, pickle.HIGHEST_PROTOCOL)

    @property
    def limits_of_one(self) -> Limits:
        """The limits in one worker."""
        return replace(self.limits, total_memory_bytes=max(1, self.limits.total_memory_bytes // self.workers))

    def host(self, cache: Cache | None) -> Host:
        """A host with these settings, whose providers are new ones. Errors: those of importing and making them."""
        return Host(
            policy=self.policy,
            quotas=self.quotas,
            files={name: make() for name, make in self.files},
            providers={name: resolve_name(path)() for name, path in self.providers},
            limits=self.limits_of_one,
            cache=cache,
        )


def files_of(given: Mapping[str, Any]) -> tuple[tuple[str, Callable[[], FileSystem]], ...]:
    """What makes each file system in a worker. Errors: ConfigError."""
    return tuple((name, _maker(name, each)) for name, each in given.items())


def _maker(name: str, given: Any) -> Callable[[], FileSystem]:
    if isinstance(given, Directory):
        return DirectoryOf(os.path.abspath(given.path), given.read_only, given.may_wait)
    if isinstance(given, str | os.PathLike):
        return DirectoryOf(os.path.abspath(given))
    if callable(given):
        made: Callable[[], FileSystem] = given
        return made
    raise ConfigError(
        f"files of a job: {name!r} is a {type(given).__name__}, which stays in its process: give a path, a Directory, "
        "or a callable that makes it in each worker, such as the class MemoryFiles"
    )


def providers_of(given: Mapping[str, str | Callable[[], object]]) -> tuple[tuple[str, str], ...]:
    """The import path of each provider's class. Errors: ConfigError."""
    return tuple(sorted((name, _import_path(name, each)) for name, each in given.items()))


def _import_path(name: str, given: str | Callable[[], object]) -> str:
    if isinstance(given, str):
        if not all(given.partition(":")):
            raise ConfigError(
                f"providers of a job: {name!r} is {given!r}: expected an import path such as 'app.store:Store'"
            )
        return given
    path = f"{getattr(given, '__module__', '')}:{getattr(given, '__qualname__', '')}"
    try:
        found = resolve_name(path)
    except (ImportError, AttributeError, ValueError):
        found = None
    if found is not given:
        raise ConfigError(
            f"providers of a job: {name!r} is {given!r}, which has no import path: each worker makes its own, from a "
            "class or function that it imports"
        )
    return path


def reuse_of(instances: str, reuse: int | None) -> int:
    """How many calls an instance serves. Errors: ConfigError."""
    if reuse is None and instances in _REUSE:
        return _REUSE[instances]
    if reuse is not None and reuse >= 1 and instances == "fresh":
        return reuse
    raise ConfigError(f"instances of a job: expected 'fresh', 'kept' or reuse=N, not {instances!r} and reuse={reuse!r}")
