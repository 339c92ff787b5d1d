"""Providers that are made for each guest."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from wasihost._component.running.imports.kits import Kit, LateProviders


class Own:
    """A provider of an embedder's."""


class Ours:
    """One that is made for each guest."""

    def __init__(self, guest: str) -> None:
        self.guest = guest


class Makers:
    """Two packages; `calls` are those that were made, and for which guest."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def first(self, guest: str) -> Mapping[str, object]:
        self.calls.append(f"first for {guest}")
        return {"a:one/x@0.3.0": Ours(guest), "a:one/y@0.3.0": Ours(guest)}

    def second(self, guest: str) -> Mapping[str, object]:
        self.calls.append(f"second for {guest}")
        return {"a:two/z@0.3.0": Ours(guest)}


@pytest.fixture
def makers() -> Makers:
    return Makers()


def kit(makers: Makers, given: Mapping[str, object]) -> Kit:
    made = Kit(given, [makers.first, makers.second], "any")
    makers.calls.clear()
    return made


def test_a_package_is_made_once_for_a_guest_when_the_first_of_its_providers_is_wanted(makers: Makers) -> None:
    providers = LateProviders(kit(makers, {}), "me")
    assert makers.calls == []
    one = providers["a:one/x@0.3.0"]
    assert isinstance(one, Ours)
    assert one.guest == "me"
    assert providers["a:one/x@0.3.0"] is one
    assert isinstance(providers["a:one/y@0.3.0"], Ours)
    assert makers.calls == ["first for me"]


def test_names_are_known_without_making_anything(makers: Makers) -> None:
    providers = LateProviders(kit(makers, {"b:c/d": Own()}), "me")
    assert list(providers) == ["a:one/x@0.3.0", "a:one/y@0.3.0", "a:two/z@0.3.0", "b:c/d"]
    assert len(providers) == 4
    assert "a:two/z@0.3.0" in providers
    assert "a:two/w@0.3.0" not in providers
    assert makers.calls == []


@pytest.mark.parametrize("name", ["a:one/x@0.3.0", "a:one/x@0.3.9", "a:one/x"])
def test_what_a_given_object_serves_is_not_made(makers: Makers, name: str) -> None:
    own = Own()
    found = kit(makers, {name: own})
    assert list(found.classes) == ["a:one/y@0.3.0", "a:two/z@0.3.0"]
    assert LateProviders(found, "me")[name] is own


def test_there_is_nothing_under_another_name(makers: Makers) -> None:
    with pytest.raises(KeyError):
        LateProviders(kit(makers, {}), "me")["a:one/w@0.3.0"]
