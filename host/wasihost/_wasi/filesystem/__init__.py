"""Files of guests: directories of the host, and the operations on them.

| module | has |
|---|---|
| `paths` | the syntax of a guest's paths |
| `sandbox` | opens a path beneath a directory; nothing else resolves a path of a guest |
| `answers` | answers of file systems that may take time |
| `nodes` | `FileSystem`, `DirectoryNode` and `FileNode`: the operations of a tree, wherever it is kept |
| `directory` | `Directory`: these on a directory of the host |
| `descriptor` | `Descriptor`, which a guest holds; checks its kind and the mount, then asks the node |
| `streams` | the contents of a file and the entries of a directory as sources and sinks |
| `mounts` | the directories that one guest is given |
| `virtual/` | file systems in Python |
| `wrapping` | nodes around nodes, for these: |
| `guarded`, `places` | asks a policy about paths, which it follows step by step |
| `quotas` | limits the use by a guest |
| `faults` | makes operations fail |
| `threaded` | does operations in threads |

All of them fail with OSError, as a system call does.
"""
