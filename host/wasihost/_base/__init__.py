"""Parts for every room: errors, limits, time, streams of bytes, and small helpers; nothing of Wasmtime or WASI."""

import sys

# Here, since every other module imports this one first, and some of them what Windows lacks.
if sys.platform == "win32":
    raise ImportError("wasihost needs mmap and mprotect: it runs on Linux and macOS, not on Windows (but in its WSL)")
