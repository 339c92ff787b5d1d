"""Files that guests are given: `Host(files={"/data": Directory("data", read_only=True), "/tmp": MemoryFiles()})`.

A file system of your own is a `VirtualFiles`.
"""

from wasihost._base.public import publish as _publish
from wasihost._wasi.filesystem.directory import Directory
from wasihost._wasi.filesystem.faults import FaultyFiles
from wasihost._wasi.filesystem.metadata import Kind, Stat
from wasihost._wasi.filesystem.nodes import FileSystem
from wasihost._wasi.filesystem.quotas import QuotaFiles
from wasihost._wasi.filesystem.virtual.files import VirtualFiles
from wasihost._wasi.filesystem.virtual.fsspec_files import FsspecFiles
from wasihost._wasi.filesystem.virtual.inodes import Inode
from wasihost._wasi.filesystem.virtual.memory import MemoryFiles
from wasihost._wasi.filesystem.virtual.overlay import Overlay
from wasihost._wasi.filesystem.virtual.snapshots import Changes, Snapshot
from wasihost._wasi.filesystem.virtual.zip_files import ZipFiles

__all__ = [
    "Changes",
    "Directory",
    "FaultyFiles",
    "FileSystem",
    "FsspecFiles",
    "Inode",
    "Kind",
    "MemoryFiles",
    "Overlay",
    "QuotaFiles",
    "Snapshot",
    "Stat",
    "VirtualFiles",
    "ZipFiles",
]

_publish(globals())
