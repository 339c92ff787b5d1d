"""The ready providers have what the vendored WIT says, in its words."""

from __future__ import annotations

import inspect
import re

import pytest

from wasihost._component.running.imports.providers import Providers
from wasihost._component.values import camel_case, snake_case
from wasihost.providers import config, keyvalue, logging
from wit.surface import Function, Interface, surface

PACKAGES = {"config": ["store"], "keyvalue": ["store", "atomics", "batch"], "logging": ["logging"]}
PROVIDERS = Providers(config({}) | keyvalue({}) | logging())
INTERFACES = [
    interface
    for folder in ("config", "keyvalue", "keyvalue-draft2", "logging")
    for interface in surface(folder)
    if re.split("[/@]", interface.name)[1] in PACKAGES[folder.partition("-")[0]]
]


def _method(interface: Interface, function: Function) -> object:
    provider = PROVIDERS.find(interface.name)
    owner = provider if function.resource is None else getattr(provider, camel_case(function.resource))
    return getattr(owner, snake_case(function.own_name))


@pytest.mark.parametrize("interface", INTERFACES, ids=lambda interface: interface.name)
def test_a_provider_has_every_function_with_its_parameters_and_signature(interface: Interface) -> None:
    assert interface.functions
    for function in interface.functions:
        method = _method(interface, function)
        assert callable(method)
        parameters = [name for name in inspect.signature(method).parameters if name not in ("self", "_provider")]
        assert parameters == [snake_case(name) for name in function.parameters if name != "self"]
        assert f"WIT: `{function.signature}`" in " ".join((inspect.getdoc(method) or "").split())
