"""The operations of a tree of files, wherever it is kept; all of them fail with OSError, as system calls do.

A path is a guest's, and relative to the directory that it is given to. Whoever implements a directory resolves it as
path_resolution(7) says, with these bounds: `..` and symbolic links never lead out of that directory, at no step, and an
absolute link leads nowhere: EscapeError. The last component is followed if `follow` says so, or if it ends with `/`.

Theory of operation. This is the one seam between guests and file systems: `Descriptor` asks nothing else, and a
wrapper of a file system (a policy, faults, quotas) is a `FileSystem` whose nodes wrap nodes. There are two kinds below
it. `Directory` leaves paths to the operating system. All others are `VirtualFiles`: these know single names only, and
`_wasi/filesystem/virtual/nodes.py` resolves paths for them, with the same answers. An `Answer` is the answer or a
`Later`; see `answers`. A file system with `may_wait` False never gives a `Later`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, TypeAlias, TypeVar

from wasihost._wasi.filesystem.answers import Answer, Later
from wasihost._wasi.filesystem.flags import Advice, DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.metadata import Identity, Kind, NewTime, Stat

N = TypeVar("N", bound="Node")


Entry: TypeAlias = tuple[str, Kind]
"""A name in a directory, as `paths.to_python` gives it, and its kind."""
MOST_ENTRIES: Final = 1024
"""Entries of a directory that are read without a turn for others."""


class Entries(ABC):
    """The entries of a directory, of which large ones have very many: they are read some at a time."""

    @abstractmethod
    def read(self) -> tuple[Sequence[str], Sequence[Kind]]:
        """The names of at most `MOST_ENTRIES` more, and their kinds; none at the end. May fail with OSError."""

    @abstractmethod
    def close(self) -> None:
        """No more are read; called once."""

    def __iter__(self) -> Iterator[Entry]:
        """One after the other."""
        names, kinds = self.read()
        while names:
            yield from zip(names, kinds, strict=True)
            names, kinds = self.read()


class Node:
    """An open file or directory, closed when each of its holders has closed it; whoever opens it is the first.

    Its classes are no `ABC`, of which `isinstance` would take several times as long.
    """

    identity: Identity
    _holders = 1

    def hold(self: N) -> N:
        """Adds a holder."""
        self._holders += 1
        return self

    def close(self) -> None:
        """Takes a holder away."""
        self._holders -= 1
        if not self._holders:
            self._close()

    @abstractmethod
    def _close(self) -> None: ...

    @abstractmethod
    def stat(self) -> Answer[Stat]:
        """Its metadata now."""

    @abstractmethod
    def set_times(self, accessed: NewTime, modified: NewTime) -> Answer[None]:
        """Sets one time or both."""

    @abstractmethod
    def sync(self, with_metadata: bool) -> Answer[None]:
        """Returns when all that was written is on the disk."""


class FileNode(Node):
    """An inode that is no directory: a regular file, or a device, FIFO or socket. Never waits for another process."""

    @abstractmethod
    def read(self, size: int, offset: int) -> Answer[bytes]:
        """At most `size` bytes, none at the end of the file. EBADF if it was not opened to read."""

    @abstractmethod
    def read_into(self, view: memoryview, offset: int) -> int | Later[bytes]:
        """The same into the beginning of `view`; how many bytes. A read that takes time gives the bytes themselves."""

    @abstractmethod
    def write(self, view: memoryview, offset: int) -> Answer[int]:
        """Writes the beginning of `view`; gives how many bytes. EBADF if it was not opened to write."""

    @abstractmethod
    def append(self, view: memoryview) -> Answer[int]:
        """The same at the end of the file."""

    @abstractmethod
    def set_size(self, size: int) -> Answer[None]:
        """Cuts it off, or adds zeros. EINVAL if it was not opened to write."""

    @abstractmethod
    def advise(self, offset: int, length: int, advice: Advice) -> None:
        """How the bytes from `offset` on are going to be used; a `length` of 0 is all of them."""


class DirectoryNode(Node):
    """A directory."""

    @abstractmethod
    def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Answer[Node]:
        """Opens the file that is there, or creates one."""

    @abstractmethod
    def entries(self) -> Answer[Entries]:
        """Its entries without `.` and `..`; fails here if it cannot be read."""

    @abstractmethod
    def stat_at(self, path: str, follow: bool) -> Answer[Stat]:
        """The metadata of the inode that is there."""

    @abstractmethod
    def identity_at(self, path: str, follow: bool) -> Answer[Identity]:
        """The identity of the inode that is there."""

    @abstractmethod
    def set_times_at(self, path: str, follow: bool, accessed: NewTime, modified: NewTime) -> Answer[None]:
        """Sets one time or both of the inode that is there."""

    @abstractmethod
    def create_directory(self, path: str) -> Answer[None]:
        """Makes a directory; the path may end with `/`."""

    @abstractmethod
    def remove_directory(self, path: str) -> Answer[None]:
        """Removes an empty directory; the path may end with `/`."""

    @abstractmethod
    def remove_file(self, path: str) -> Answer[None]:
        """Removes a name of anything but a directory."""

    @abstractmethod
    def rename(self, path: str, new_directory: DirectoryNode, new_path: str) -> Answer[None]:
        """Moves it, with replacement as of rename(2); EXDEV to another file system."""

    @abstractmethod
    def link(self, path: str, new_directory: DirectoryNode, new_path: str) -> Answer[None]:
        """Gives a file another name, a symbolic link too; EXDEV on another file system."""

    @abstractmethod
    def symlink(self, text: str, path: str) -> Answer[None]:
        """Makes a symbolic link, which may lead anywhere."""

    @abstractmethod
    def readlink(self, path: str) -> Answer[bytes]:
        """The content of a symbolic link."""


class FileSystem(ABC):
    """A tree that guests can be given."""

    read_only: bool
    """Whether guests may change nothing in it."""
    may_wait: bool = False
    """Whether its nodes may answer later."""
    how_to_change: ClassVar[str] = ""
    """If it is read-only: how guests could be given one that they may change; `{}` is their name for it."""
    is_recorded: bool = False
    """Whether its answers are those of a run that was recorded: then no policy is asked and no quotas apply."""

    @abstractmethod
    def open_root(self, handles: Handles) -> DirectoryNode:
        """Its root, opened for one guest, whose `handles` count the descriptors of the operating system."""

    def finish(self) -> None:  # noqa: B027, most have nothing to do
        """A guest has ended by itself. Raises its divergence, if that shows only now."""
