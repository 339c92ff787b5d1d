"""Parts for every room: errors, limits, time, streams of bytes, and small helpers; nothing of Wasmtime or WASI."""
