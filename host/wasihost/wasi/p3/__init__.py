"""WASI 0.3 on the cores of `wasihost.wasi`: each method converts, calls and converts."""
