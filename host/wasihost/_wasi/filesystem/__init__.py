"""Files of guests: directories of the host, and what a guest may do with them.

| module | what it does |
|---|---|
| `paths` | what a guest's path may be, and how it is taken apart |
| `sandbox` | opens a path beneath a directory; nothing else resolves a path of a guest |
| `answers` | answers of file systems that may take time |
| `nodes` | `FileSystem`, `DirectoryNode` and `FileNode`: what a tree has to do, on whatever it is kept |
| `directory` | `Directory`: these on a directory of the host |
| `descriptor` | `Descriptor`: what a guest holds; checks what it is and what its mount allows, then asks the node |
| `streams` | the contents of a file and the entries of a directory as sources and sinks |
| `mounts` | the directories that one guest is given |
| `virtual/` | file systems in Python |
| `wrapping` | nodes around nodes, for these: |
| `guarded`, `places` | asks a policy about paths, which it follows step by step |
| `quotas` | limits what a guest uses |
| `faults` | makes things go wrong |
| `threaded` | does operations in threads |

Nodes fail with OSError, as a system call does; a descriptor fails with `Failure`.
"""
