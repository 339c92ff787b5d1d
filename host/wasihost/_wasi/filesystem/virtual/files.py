"""`VirtualFiles`: the base of file systems in Python."""

from __future__ import annotations

from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.nodes import DirectoryNode, FileSystem
from wasihost._wasi.filesystem.virtual.inodes import I, InodeOperations
from wasihost._wasi.filesystem.virtual.nodes import VirtualDirectory


class VirtualFiles(FileSystem, InodeOperations[I]):
    """A file system in Python, to be derived from.

    Its inodes are objects of your own, see `Inode`. Four methods make one that can be read: `lookup`, `stat`, `entries`
    and `read`. What is not overridden of the others fails with EROFS, the error-code `read-only`. Methods fail with
    OSError, of which the errno or the class becomes the error-code. Any of them that returns something `Given` may be
    `async`. Paths are resolved before: when a method is called,

    - a name is one component: not empty, no `.` or `..`, no `/`, no NUL, at most 255 bytes. Names and texts of links
      are UTF-8; a byte that is none is a surrogate, as with `errors="surrogateescape"`, and no guest can send one;
    - an inode has the kind that the method is for;
    - what is created has a name that was free, and what is removed or renamed was there. Between that and the call of
      an `async` method it may have changed: then FileExistsError and FileNotFoundError say so.
    """

    read_only: bool = False
    """Whether guests get `not-permitted` for every change, and no method is called for it."""
    may_wait: bool = True

    def open_root(self, handles: Handles) -> DirectoryNode:
        return VirtualDirectory(self, self.root)
