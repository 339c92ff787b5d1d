"""The directories of one guest, and the log of refusals there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from wasihost._base.quoting import line

if TYPE_CHECKING:  # only guests that ask for their directories need them
    from wasihost._network.quotas import Quotas
    from wasihost._policy.asking import Asker
    from wasihost._wasi.filesystem.handles import Handles
    from wasihost._wasi.filesystem.metadata import IdentityHash
    from wasihost._wasi.filesystem.nodes import DirectoryNode, FileSystem

_log = logging.getLogger("wasihost.files")


class Mount:
    """One tree under its name for the guest."""

    def __init__(self, name: str, files: FileSystem, hash_key: bytes, how_to_change: str = "") -> None:
        self.name = name
        self._how_to_change = how_to_change
        self.read_only = files.read_only
        self._hash_key = hash_key
        self._files = files
        self._logged: set[str] = set()

    def open_root(self, handles: Handles) -> DirectoryNode:
        """The root, opened anew."""
        return self._files.open_root(handles)

    @cached_property
    def identity_hash(self) -> IdentityHash:
        """The hash that guests get of an identity."""
        from wasihost._wasi.filesystem.metadata import IdentityHash

        return IdentityHash(self._hash_key)

    def refused_change(self, path: str) -> None:
        """Logs the first change that was refused, with what would allow it."""
        what = f"refused to change {path or 'a file'!r} in {self.name!r}"
        hint = f" ({self._how_to_change.format(self.name)})" if self._how_to_change else ""
        self._log_once("change", f"{what}: it is read-only{hint}")

    def refused_escape(self, path: str) -> None:
        """Logs the first path that leads out, with the option that would allow it."""
        what = f"refused to follow {path!r} in {self.name!r}"
        self._log_once("escape", f"{what}: it leads out (--dir for a directory that contains both)")

    def _log_once(self, about: str, text: str) -> None:
        if about not in self._logged:
            self._logged.add(about)
            _log.warning("%s", line(text))


class Mounts:
    """All directories of one guest, in their order.

    `hash_key` is the secret in the metadata hashes, `asker` asks its policy, and `quotas` are for all of
    them together. The guest uses the result of `around` for each, by its name.
    """

    def __init__(
        self,
        files: Mapping[str, FileSystem] | None = None,
        hash_key: bytes = b"",
        asker: Asker | None = None,
        quotas: Quotas | None = None,
        around: Callable[[str, FileSystem], FileSystem] | None = None,
    ) -> None:
        files = files or {}
        given = _asked_about(_limited(files, quotas), asker)
        if around is not None:
            given = {name: around(name, each) for name, each in given.items()}
        self._mounts = [Mount(name, each, hash_key, files[name].how_to_change) for name, each in given.items()]
        self._handles: Handles | None = None
        self._open_files = None if quotas is None else quotas.open_files
        self.may_wait = any(each.may_wait for each in given.values())
        """Whether some of them may answer later."""
        self._was_asked = False

    def opened(self) -> list[tuple[Mount, DirectoryNode]]:
        """Each with its root, opened anew. Errors: OSError, EMFILE."""
        from wasihost._wasi.filesystem.handles import Handles

        self._was_asked = True
        handles = self._handles = self._handles or Handles(self._open_files)
        return [(mount, mount.open_root(handles)) for mount in self._mounts]

    def guest_failed(self) -> None:
        """Logs that the guest has no directories, if it asked for them: its file operations fail inside of it."""
        if self._was_asked and not self._mounts:
            _log.warning("the guest asked for directories, and has none (--dir HOST::GUEST)")


def _limited(files: Mapping[str, FileSystem], quotas: Quotas | None) -> Mapping[str, FileSystem]:
    if quotas is None or not files:
        return files
    from wasihost._wasi.filesystem.quotas import FileBudget, QuotaFiles

    budget = FileBudget(quotas)
    if not budget.is_of_files:
        return files
    return {name: each if each.is_recorded else QuotaFiles(each, budget) for name, each in files.items()}


def _asked_about(files: Mapping[str, FileSystem], asker: Asker | None) -> Mapping[str, FileSystem]:
    if asker is None or not asker.asks_about_files:
        return files
    from wasihost._wasi.filesystem.guarded import GuardedFiles, Turns

    turns = Turns(any(each.may_wait for each in files.values()))
    return {name: each if each.is_recorded else GuardedFiles(each, name, asker, turns) for name, each in files.items()}
