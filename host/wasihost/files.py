"""Directories that guests are given: `Host(files={"/data": Directory("data", read_only=True)})`."""

from wasihost._base.public import publish as _publish
from wasihost._wasi.filesystem.directory import Directory
from wasihost._wasi.filesystem.nodes import FileSystem

__all__ = ["Directory", "FileSystem"]

_publish(globals())
