"""Makes names public."""

from __future__ import annotations

from typing import Any


def publish(module: dict[str, Any]) -> None:
    """Makes the `__all__` of a module, of which these are the globals, say that it is defined there.

    So tracebacks and pickles name it as users do.
    """
    for name in module["__all__"]:
        if getattr(module[name], "__module__", "").startswith("wasihost._"):
            module[name].__module__ = module["__name__"]
