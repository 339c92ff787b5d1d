"""Providers that are made for each guest, where all guests of a kind have the same classes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from wasihost._component.world import versions

Maker: TypeAlias = Callable[[Any], Mapping[str, object]]
"""Makes the providers of one package, by interface, of what one guest has for them."""


class Kit:
    """What all guests of a kind have for providers: some `given` objects, and others that `makers` make.

    Where a given object serves an interface, what is made for it is left out. `guest` is any of the kind.
    """

    def __init__(self, given: Mapping[str, object], makers: Iterable[Maker], guest: Any) -> None:
        self.given = given
        self.maker_of: dict[str, Maker] = {}
        self.classes: dict[str, type] = {}
        """Of the providers that are made."""
        for make in makers:
            for name, provider in make(guest).items():
                if versions.serving(name, given) is None:
                    self.maker_of[name] = make
                    self.classes[name] = type(provider)

    def with_given(self, given: Mapping[str, object]) -> Kit:
        """The same with these given objects, and without providers for the interfaces that they serve."""
        kit = Kit(given, (), None)
        kit.maker_of = {name: make for name, make in self.maker_of.items() if versions.serving(name, given) is None}
        kit.classes = {name: self.classes[name] for name in kit.maker_of}
        return kit


class LateProviders(Mapping[str, object]):
    """The providers of one guest; those of a package are made when the first of them is wanted."""

    def __init__(self, kit: Kit, guest: Any) -> None:
        self.kit = kit
        self._guest = guest
        self._found = dict(kit.given)

    def __getitem__(self, name: str) -> object:
        if name not in self._found:
            self._found = {**self.kit.maker_of[name](self._guest), **self._found}
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self.kit.maker_of or name in self.kit.given

    def __iter__(self) -> Iterator[str]:
        yield from self.kit.maker_of
        yield from self.kit.given

    def __len__(self) -> int:
        return len(self.kit.maker_of) + len(self.kit.given)
