"""What is said of imports that nothing provides: a line for each package, which is what users know as a feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wasihost._base.quoting import MOST_NAMES, some
from wasihost._component.world import types


def described(imports: Mapping[str, types.Interface]) -> Iterator[str]:
    """A line for each package of these imports."""
    packages: dict[str, list[str]] = {}
    for name, interface in imports.items():
        functions = list(interface.funcs)
        few = ", ".join(functions) if len(functions) <= MOST_NAMES else f"{len(functions)} functions"
        text = f"{name or 'of the world itself'} ({few or 'its resources'})"
        packages.setdefault(name.partition("/")[0], []).append(text)
    for package, texts in packages.items():
        if len(texts) == 1:
            yield f"nothing provides the import {texts[0]}"
        else:
            yield f"nothing provides {package}: {some(texts)}"
