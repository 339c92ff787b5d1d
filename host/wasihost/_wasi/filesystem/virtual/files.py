"""`VirtualFiles`: the base of file systems in Python."""

from __future__ import annotations

from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.nodes import DirectoryNode, FileSystem
from wasihost._wasi.filesystem.virtual.inodes import I, InodeOperations
from wasihost._wasi.filesystem.virtual.nodes import VirtualDirectory


class VirtualFiles(FileSystem, InodeOperations[I]):
    """A file system in Python, to be derived from.

    Its inodes are objects of your own, see `Inode`. Four methods make one that can be read: `lookup`, `stat`, `entries`
    and `read`. The others raise EROFS, the error-code `read-only`, unless you override them. Methods raise OSError, and
    its errno or class becomes the error-code. A method that returns a value `Given` may be `async`. Before a method is
    called, the path is resolved, so that

    - a name is one component: not empty, no `.` or `..`, no `/`, no NUL, at most 255 bytes. Names and texts of links
      are UTF-8; other bytes are surrogates, as with `errors="surrogateescape"`, and guests cannot send them;
    - an inode has the kind that the method is for;
    - a name for a new inode is free, and a name to remove or rename is there. An `async` method may find that this has
      changed, and raises FileExistsError or FileNotFoundError.
    """

    read_only: bool = False
    """Whether guests get `not-permitted` for every change, and no method is called for it."""
    may_wait: bool = True

    def open_root(self, handles: Handles) -> DirectoryNode:
        return VirtualDirectory(self, self.root)
