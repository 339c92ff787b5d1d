"""Directories that guests are given: `Host(files={"/data": Directory("data", read_only=True)})`."""

from wasihost._wasi.filesystem.directory import Directory
from wasihost._wasi.filesystem.nodes import FileSystem

__all__ = ["Directory", "FileSystem"]
