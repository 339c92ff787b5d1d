"""What is said of imports that nothing provides: a line for each package, which is what users know as a feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wasihost.component.world import types

_MOST = 10
"""Names in a list; a component may have thousands."""


def described(imports: Mapping[str, types.Interface]) -> Iterator[str]:
    """A line for each package of these imports."""
    packages: dict[str, list[str]] = {}
    for name, interface in imports.items():
        functions = list(interface.funcs)
        few = ", ".join(functions) if len(functions) <= _MOST else f"{len(functions)} functions"
        text = f"{name or 'of the world itself'} ({few or 'its resources'})"
        packages.setdefault(name.partition("/")[0], []).append(text)
    for package, texts in packages.items():
        if len(texts) == 1:
            yield f"nothing provides the import {texts[0]}"
        else:
            yield f"nothing provides {package}: {some(texts)}"


def some(names: Sequence[str]) -> str:
    """The first few names of a list, and how many more there are."""
    shown = ", ".join(names[:_MOST])
    return shown if len(names) <= _MOST else f"{shown} and {len(names) - _MOST} more"
