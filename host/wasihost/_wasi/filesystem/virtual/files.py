"""`VirtualFiles`: the base of file systems in Python."""

from __future__ import annotations

from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.nodes import DirectoryNode, FileSystem
from wasihost._wasi.filesystem.virtual.inodes import I, InodeOperations
from wasihost._wasi.filesystem.virtual.nodes import VirtualDirectory


class VirtualFiles(FileSystem, InodeOperations[I]):
    """A file system in Python, to be derived from.

    Four methods make one that can be read: `lookup`, `stat`, `entries` and `read`. What is not overridden of the others
    fails with EROFS, the error-code `read-only`. Any method may be `async`.
    """

    read_only: bool = False
    """Whether guests get `not-permitted` for every change, and no method is called for it."""
    may_wait: bool = True

    def open_root(self, handles: Handles) -> DirectoryNode:
        return VirtualDirectory(self, self.root)
