"""The version of this library: the one place where it is written."""

__version__ = "0.1.0"
