"""Every provider of WASI has what the WIT says, in its words and order, and docs/reference/coverage.md lists them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wasihost import Host
from wasihost._component.running.imports.providers import Providers
from wasihost._component.values import camel_case, snake_case
from wasihost._component.world import versions
from wit import table
from wit.surface import Function, Interface, surface

ROOT = Path(__file__).parents[2]
COVERAGE, CONTRIBUTING = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("docs/reference/coverage.md", "CONTRIBUTING.md")
)
CLOCKS = ROOT / "host/wasihost/_wasi/p3/clocks"
SURFACES = {version: surface(version) for version in table.VERSIONS}
SURFACE = {interface.name: interface for interfaces in SURFACES.values() for interface in interfaces}
REGISTERED = Host().providers()
PROVIDERS = Providers(REGISTERED)
PROVIDED = [interface for interface in SURFACE.values() if PROVIDERS.find(interface.name) is not None]


def _owners(interface: Interface) -> Iterator[tuple[str | None, type]]:
    """The provider's own class, for the functions without a resource, and its class for each resource."""
    provider = PROVIDERS.find(interface.name)
    yield None, type(provider)
    for resource in interface.resources:
        if (cls := getattr(provider, camel_case(resource), None)) is not None:
            yield resource, cls


OWNERS = [(interface, resource, cls) for interface in PROVIDED for resource, cls in _owners(interface)]
FUNCTIONS = [
    (cls, function)
    for interface, resource, cls in OWNERS
    for function in interface.functions
    if function.resource == resource and function.own_name != "constructor"
]


def _method(cls: type, function: Function) -> Any:
    return getattr(cls, snake_case(function.own_name))


def _id(value: object) -> str | None:
    return value.name if isinstance(value, Interface | Function) else getattr(value, "__name__", None)


def test_every_provider_is_for_an_interface_of_wasi_in_the_version_that_it_serves() -> None:
    assert [name for name in REGISTERED if "@" not in name or versions.find(name, SURFACE) is None] == []


@pytest.mark.parametrize("name", REGISTERED)
def test_a_provider_never_answers_for_another_version_of_wasi(name: str) -> None:
    stem, _, version = name.partition("@")
    others = [each for each in SURFACE if each.startswith(f"{stem}@") and not each.startswith(f"{stem}@{version[:3]}")]
    assert [each for each in others if PROVIDERS.find(each) is REGISTERED[name]] == []


@pytest.mark.parametrize("version", ["0.2.0", "0.2.6", "0.2.12", "0.3.0", "0.3.2"])
def test_a_guest_of_any_version_gets_what_is_registered_for_the_first_one(version: str) -> None:
    for stem in {name.partition("@")[0] for name in REGISTERED}:
        assert PROVIDERS.find(f"{stem}@{version}") is REGISTERED.get(f"{stem}@{version[:4]}0")


PACKAGES = [
    *(("0.3", package) for package in ("cli", "clocks", "filesystem", "http", "random", "sockets")),
    *(("0.2", package) for package in ("cli", "clocks", "filesystem", "http", "io", "random", "sockets")),
]


@pytest.mark.parametrize(("version", "package"), PACKAGES)
def test_every_stable_interface_of_a_package_has_a_provider(version: str, package: str) -> None:
    stable = [interface.name for interface in SURFACES[version] if interface.is_stable]
    wanted = [name for name in stable if name.startswith(f"wasi:{package}/") and not name.startswith(table.CALLED)]
    assert [name for name in wanted if PROVIDERS.find(name) is None] == []
    ours = [name for name in REGISTERED if name.startswith(f"wasi:{package}/") and f"@{version}." in name]
    assert len(wanted) == len(ours)


@pytest.mark.parametrize(("cls", "function"), FUNCTIONS, ids=_id)
def test_a_method_begins_with_its_signature_in_the_wit(cls: type, function: Function) -> None:
    assert (_method(cls, function).__doc__ or "").startswith(f"WIT: `{function.signature}`")


@pytest.mark.parametrize(("cls", "function"), FUNCTIONS, ids=_id)
def test_a_method_has_the_parameters_of_the_wit(cls: type, function: Function) -> None:
    parameters = [name for name in inspect.signature(_method(cls, function)).parameters if name != "self"]
    if function.name.startswith("[static]"):
        del parameters[0]  # the provider
    assert parameters == [snake_case(name) for name in function.parameters if name != "self"]


@pytest.mark.parametrize(("interface", "resource", "cls"), OWNERS, ids=_id)
def test_methods_stand_in_the_order_of_the_wit(interface: Interface, resource: str | None, cls: type) -> None:
    words = [snake_case(function.own_name) for function in interface.functions if function.resource == resource]
    for part in cls.__mro__:
        ours = [name for name in vars(part) if name in words]
        assert ours == sorted(ours, key=words.index)


@pytest.mark.parametrize("interface", PROVIDED, ids=_id)
def test_a_provider_has_a_class_for_every_enum_flags_record_and_variant(interface: Interface) -> None:
    assert set(getattr(PROVIDERS.find(interface.name), "wit_types", {})) >= set(interface.nominal_types)


def test_the_tables_of_what_works_are_what_make_docs_writes() -> None:
    assert table.written(COVERAGE) == COVERAGE


def test_the_table_has_every_function() -> None:
    text = table.table()
    assert len(SURFACE) == text.count("| `wasi:")
    for part, interfaces in zip(text.split("\n\n"), SURFACES.values(), strict=True):
        for interface in interfaces:
            (row,) = (line for line in part.splitlines() if line.startswith(f"| `{interface.name.partition('@')[0]}`"))
            assert [function.own_name for function in interface.functions if function.own_name not in row] == []


def test_the_example_in_contributing_is_the_provider() -> None:
    section = CONTRIBUTING[CONTRIBUTING.index("## Adding a provider") :]
    provider, registration = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[:2]
    source = (CLOCKS / "system_clock.py").read_text(encoding="utf-8").splitlines()
    assert [line for line in provider.splitlines() if line not in source] == []
    assert registration in (CLOCKS / "__init__.py").read_text(encoding="utf-8")
