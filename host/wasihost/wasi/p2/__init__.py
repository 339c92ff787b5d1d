"""WASI 0.2 on the cores of `wasihost.wasi`: `wasi:io` so far, which nothing registers before the rest is there."""
