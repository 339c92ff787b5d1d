"""`Job`: what all of a job is known by, wherever it is."""

from __future__ import annotations

import pickle
from hashlib import sha256

from wasihost._base.frozen import Frozen
from wasihost._component.cache import Cache
from wasihost._jobs.settings import Settings


class Travelling(Frozen):
    """All of a job that is pickled.

    `path` is None for a component that was given as bytes. The settings are pickled already: a process that has the job
    need not make them again.
    """

    digest: str
    path: str | None
    settings: bytes
    cache: Cache | None

    @property
    def key(self) -> str:
        """Equal for equal jobs."""
        return sha256(self.digest.encode() + self.settings).hexdigest()


class Job:
    """A component and its settings."""

    def __init__(self, travelling: Travelling) -> None:
        self.travelling = travelling
        self.carries_bytes = False
        self.digest = travelling.digest
        self.key = travelling.key
        self.settings: Settings = pickle.loads(travelling.settings)

    @property
    def path(self) -> str | None:
        """The path that its component was read from."""
        return self.travelling.path

    @property
    def cache(self) -> Cache | None:
        """Where its compiled code is kept."""
        return self.travelling.cache

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path or f'sha256 {self.digest}'})"
