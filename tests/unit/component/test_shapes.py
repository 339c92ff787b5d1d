"""Which providers share what was checked and compiled for another."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import pytest

from wasihost._component.running.imports.providers import Shape
from wasihost._component.world import types

INTERFACE = types.Interface({"thing": types.Resource("thing"), "f-g": types.Func((), None)})


class Provider:
    class Thing: ...

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)

    def f_g(self) -> None: ...


class Computed(Provider):
    @property
    def wit_types(self) -> dict[str, type]:
        return {}


class Cached(Provider):
    @functools.cached_property
    def Thing(self) -> type:  # type: ignore[override]
        return type("Thing", (), {})


class Dynamic(Provider):
    def __getattr__(self, name: str) -> Any: ...


def test_objects_of_a_class_share_what_the_class_has() -> None:
    assert Shape(Provider(), INTERFACE).fits(Provider(state=1))


def test_another_class_has_its_own() -> None:
    assert not Shape(Provider(), INTERFACE).fits(type("Another", (Provider,), {})())


@pytest.mark.parametrize("name", ["f_g", "Thing", "wit_types"])
def test_an_object_with_a_function_or_class_of_its_own_shares_nothing(name: str) -> None:
    other = Provider(**{name: object()})
    assert not Shape(Provider(), INTERFACE).fits(other)
    assert not Shape(other, INTERFACE).fits(Provider())


@pytest.mark.parametrize("cls", [Computed, Cached, Dynamic])
def test_what_an_object_computes_is_that_objects(cls: type[Provider]) -> None:
    one = cls()
    shape = Shape(one, INTERFACE)
    assert shape.fits(one)
    assert not shape.fits(cls())


def test_an_object_that_cannot_be_remembered_shares_nothing() -> None:
    one = SimpleNamespace(f_g=len, Thing=int)
    assert not Shape(one, INTERFACE).fits(SimpleNamespace(f_g=len, Thing=int))
