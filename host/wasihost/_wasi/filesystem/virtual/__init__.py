"""File systems in Python: the protocol, the resolution of paths that all of them share, and those that come with it.

| module | has |
|---|---|
| `inodes` | `InodeOperations`: the methods of a file system in Python |
| `walk` | resolves the paths of guests, one name after the other |
| `nodes` | its open files and directories |
| `files` | `VirtualFiles`: the base of such file systems |
| `memory_content` | the bytes of a file in memory |
| `memory_tree` | files in memory, as guests use them |
| `memory` | `MemoryFiles`: these as Python uses them |
| `host_tree` | a directory of the host as inodes, to be read |
| `overlay` | `Overlay`: one file system that stays as it is, under another one with all changes |
| `snapshots` | the content of a `MemoryFiles` at some time, and the changes since |
| `zip_files` | `ZipFiles`: the files of a zip archive |
| `fsspec_files` | `FsspecFiles`: a file system of fsspec |
"""
