from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from wasihost._base.errors import LinkError
from wasihost._component.running.imports.providers import Providers, find_method, resource_class
from wasihost._component.world import types
from wasihost._component.world.types import Func

ONE = Func((("a-word", types.U8),), None)


def test_the_nearest_provider_is_found() -> None:
    providers = Providers({"a:b/c": "any", "a:b/c@1.0.0": "first", "a:b/c@0.3.0": "early"})
    assert providers.find("a:b/c@1.0.0") == "first"
    assert providers.find("a:b/c@1.7.0") == "first"
    assert providers.find("a:b/c@0.3.2") == "early"
    assert providers.find("a:b/c@0.4.0") == "any"
    assert providers.find("a:b/d") is None
    assert Providers({"a:b/c@1.0.0": "first"}).find("a:b/c") is None


class Thing:
    def __init__(self, provider: object, a_word: int) -> None:
        self.made = a_word

    def f(self, a_word: int) -> tuple[str, int]:
        return "method", a_word

    @staticmethod
    def g(provider: object, a_word: int) -> tuple[str, int]:
        return "static", a_word


class Provider:
    Thing = Thing
    number = 5

    async def waits(self, a_word: int) -> None: ...

    def class_(self, a_word: int) -> str:
        return "keyword"

    def short(self) -> None: ...

    def any(self, *args: Any) -> None: ...


def test_functions_are_methods_of_the_provider() -> None:
    assert find_method(Provider(), "i", "class", ONE).of(Provider())(1) == "keyword"
    assert find_method(Provider(), "i", "waits", ONE).may_wait
    assert not find_method(Provider(), "i", "any", ONE).may_wait


def test_functions_of_a_resource_are_found_in_its_class() -> None:
    provider = Provider()
    made = find_method(provider, "i", "[constructor]thing", ONE).of(provider)(7)
    assert (type(made), made.made) == (Thing, 7)
    method = Func((("self", types.BOOL), ("a-word", types.U8)), None)
    assert find_method(provider, "i", "[method]thing.f", method).of(provider)(made, 1) == ("method", 1)
    assert find_method(provider, "i", "[static]thing.g", ONE).of(provider)(2) == ("static", 2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", r"i#missing: the provider Provider has no method missing\(a_word\)"),
        ("wait", r"the provider Provider has no method wait\(a_word\); did you mean waits\?"),
        ("number", r"no method number"),
        ("short", r"Provider.short must take \(a_word\), but its signature is \(\)"),
        ("[method]thing.h", r"no method Thing.h"),
        ("[method]other.f", r"has no class Other for the resource other"),
        ("[static]thing.h", r"no method Thing.h"),
    ],
)
def test_what_is_missing_or_wrong_is_named(name: str, message: str) -> None:
    with pytest.raises(LinkError, match=message):
        find_method(Provider(), "i", name, ONE)


def test_the_class_of_a_resource_must_be_a_class() -> None:
    with pytest.raises(LinkError, match="must be a class, not int"):
        resource_class(SimpleNamespace(Thing=5), "i", "thing")
