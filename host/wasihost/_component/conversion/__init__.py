"""C values of Wasmtime to Python objects and back: `plans` is the door."""
