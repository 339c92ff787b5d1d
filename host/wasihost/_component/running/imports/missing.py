"""What is said of imports that nothing provides: a line for each package, which is what users know as a feature."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from wasihost._base.frozen import Frozen
from wasihost._base.quoting import MOST_NAMES, some
from wasihost._component.world import types, versions


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


_ALIKE = 0.8
"""How alike two names are that may be meant to be the same, from 0 to 1: stdot and stdout are, stdout and stdin not."""


class Unused(Frozen):
    """A provider that serves no import, and the import that it is nearly called like, if there is one."""

    name: str
    meant: str | None

    def __str__(self) -> str:
        hint = "" if self.meant is None else f"; did you mean {self.meant}?"
        return f"the provider {self.name!r} serves no import of this component{hint}"


def unused(given: Collection[str], imports: Collection[str], candidates: Collection[str]) -> list[Unused]:
    """The given providers that serve none of these imports, nor another version of one, each with the candidate that
    it is nearly called like.
    """
    serving = {served for name in imports if (served := versions.serving(name, given)) is not None}
    others = {versions.plain(name) for name in serving}
    idle = [name for name in given if name not in serving and versions.plain(name) not in others]
    return [Unused(name, _meant(name, candidates)) for name in idle]


def _meant(name: str, imports: Collection[str]) -> str | None:
    import difflib  # slow to import, and rarely needed

    def alike(one: str, other: str) -> float:
        return difflib.SequenceMatcher(None, one, other).ratio()

    package, _, interface = versions.plain(name).rpartition("/")
    found: dict[str, float] = {}
    for each in imports:
        other_package, _, other_interface = versions.plain(each).rpartition("/")
        # Another interface of a package is no mistake, nor is an interface of another package.
        found[each] = min(alike(package, other_package), alike(interface, other_interface))
    nearest = max(found, key=found.__getitem__, default=None)
    return nearest if nearest is not None and found[nearest] >= _ALIKE else None
