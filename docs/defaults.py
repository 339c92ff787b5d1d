"""Shows the defaults of limits and quotas as numbers: mkdocstrings reads sources, where functions make them."""

from __future__ import annotations

import importlib
from typing import Any

import griffe

CLASSES = {"wasihost": "Limits", "wasihost.network": "Quotas", "wasihost.http": "ServerLimits"}


class Defaults(griffe.Extension):
    """Puts the values of attributes and parameters into the place of their sources."""

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **_: Any) -> None:
        if pkg.path != "wasihost":
            return
        loader.resolve_aliases()
        for module, name in CLASSES.items():
            defaults = getattr(importlib.import_module(module), name)()
            found = loader.modules_collection[f"{module}.{name}"]
            for part in (*found.attributes.values(), *found.parameters):
                if hasattr(defaults, part.name):
                    value = repr(getattr(defaults, part.name))
                    setattr(part, "default" if isinstance(part, griffe.Parameter) else "value", value)
