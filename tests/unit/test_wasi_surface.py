"""Every provider of WASI has what the WIT says, in its words and its order, and README.md tells which there are."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wasihost import Host, OsClock
from wasihost._base.streams import Unwritten
from wasihost._component.running.imports.providers import Providers
from wasihost._component.values import camel_case, snake_case
from wasihost._component.world import versions
from wasihost._network.names import Names
from wasihost._network.os import OsNetwork
from wasihost._wasi import p2
from wasihost._wasi.cli import Command
from wasihost._wasi.context import WasiContext
from wasihost._wasi.random import Random
from wasihost._wasi.sockets.access import Access
from wit import table
from wit.surface import Function, Interface, surface

ROOT = Path(__file__).parents[2]
README, CONTRIBUTING = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md"))
CLOCKS = ROOT / "host/wasihost/_wasi/p3/clocks"
SURFACES = {version: surface(version) for version in table.VERSIONS}
SURFACE = {interface.name: interface for interfaces in SURFACES.values() for interface in interfaces}
REGISTERED = Host().providers()
CONTEXT = WasiContext(Command(), OsClock(), Random(None), Access(OsNetwork()), Names(OsNetwork().resolve), Unwritten())
PROVIDERS = Providers({**REGISTERED, **p2.providers(CONTEXT)})  # of 0.2, what is there before all of it is
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


@pytest.mark.parametrize("version", ["0.2.0", "0.2.6", "0.2.12"])
def test_what_only_0_3_has_in_python_has_no_provider_for_a_guest_of_0_2(version: str) -> None:
    registered = Providers(REGISTERED)
    assert [name for name in REGISTERED if registered.find(f"{name.partition('@')[0]}@{version}") is not None] == []


@pytest.mark.parametrize("package", ["cli", "clocks", "random"])
def test_every_stable_interface_of_a_package_has_a_provider(package: str) -> None:
    stable = [interface.name for interface in SURFACES["0.3"] if interface.is_stable]
    wanted = [name for name in stable if name.startswith(f"wasi:{package}/") and not name.startswith(table.CALLED)]
    assert [name for name in wanted if PROVIDERS.find(name) is None] == []
    assert len(wanted) == sum(name.startswith(f"wasi:{package}/") for name in REGISTERED)


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


def test_the_tables_in_the_readme_are_what_make_docs_writes() -> None:
    assert table.written(README) == README
    assert README.count(table.END) == 2


def test_the_table_has_every_function() -> None:
    text = table.table()
    assert len(SURFACE) == text.count("| `wasi:")
    for part, interfaces in zip(text.split("\n\n"), SURFACES.values(), strict=True):
        for interface in interfaces:
            (row,) = (line for line in part.splitlines() if line.startswith(f"| `{interface.name.partition('@')[0]}`"))
            missing = [function.own_name for function in interface.functions if function.own_name not in row]
            assert not missing or table.NATIVE in row


def test_the_example_in_contributing_is_the_provider() -> None:
    section = CONTRIBUTING[CONTRIBUTING.index("## Adding a provider") :]
    provider, registration = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[:2]
    source = (CLOCKS / "system_clock.py").read_text(encoding="utf-8").splitlines()
    assert [line for line in provider.splitlines() if line not in source] == []
    assert registration in (CLOCKS / "__init__.py").read_text(encoding="utf-8")
