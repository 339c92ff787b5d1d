"""File systems in Python: the protocol, the resolution of paths that all of them share, and those that come with it.

| module | what it does |
|---|---|
| `inodes` | `InodeOperations`: what a file system in Python has to do |
| `walk` | resolves the paths of guests, one name after the other |
| `nodes` | what guests open of such a file system |
| `files` | `VirtualFiles`: the base of such file systems |
| `memory_content` | the bytes of a file in memory |
| `memory_tree` | files in memory, as guests use them |
| `memory` | `MemoryFiles`: these as Python uses them |
| `host_tree` | a directory of the host as inodes, to be read |
| `overlay` | `Overlay`: what is read in one file system, what changes in another |
| `snapshots` | what one had at some time, and what changed since |
| `zip_files` | `ZipFiles`: what is in a zip archive |
| `fsspec_files` | `FsspecFiles`: a file system of fsspec |
"""
