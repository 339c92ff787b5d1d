"""wasi:clocks/types."""

from __future__ import annotations


class Types:
    """Provider of wasi:clocks/types, which only has a name for u64: `duration`, in nanoseconds."""
