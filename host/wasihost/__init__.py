"""Run WASI 0.3 components from Python, with every host function written in Python."""

from wasihost.version import __version__

__all__ = ["__version__"]
