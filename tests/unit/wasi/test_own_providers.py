"""Providers of one's own in the place of WASI's."""

from __future__ import annotations

import pytest

from wasihost import Host
from wasihost._component.running.imports.providers import Providers

STDOUT = "wasi:cli/stdout"


class Mine:
    """A provider of the embedder."""


def _found(own: str, interface: str) -> object:
    return Providers(Host(providers={own: Mine()}).providers()).find(interface)


@pytest.mark.parametrize("version", ["0.2.0", "0.2.12", "0.3.0", "0.3.2", "0.3.0-rc.1"])
def test_without_a_version_it_serves_every_version(version: str) -> None:
    assert isinstance(_found(STDOUT, f"{STDOUT}@{version}"), Mine)


@pytest.mark.parametrize("version", ["0.3.0", "0.3.1", "0.3.2"])
def test_with_a_version_it_serves_those_that_are_compatible(version: str) -> None:
    assert isinstance(_found(f"{STDOUT}@0.3.1", f"{STDOUT}@{version}"), Mine)


def test_with_another_version_it_leaves_that_of_wasi_alone() -> None:
    assert _found(f"{STDOUT}@0.2.0", f"{STDOUT}@0.3.0").__class__.__name__ == "Stdout"
