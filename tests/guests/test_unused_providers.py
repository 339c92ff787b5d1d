"""A provider that serves nothing is named, with the import that it is nearly called like."""

from __future__ import annotations

import logging
import re

import pytest

from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import load
from wasihost import Host, LinkError
from wasihost._component.running.imports.missing import unused

IMPORTS = ["test:exports/host@1.0.0", "wasi:cli/stdout@0.3.0", "wasi:cli/stdin@0.3.0"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("test:export/host", "test:exports/host@1.0.0"),
        ("test:exports/hosts@1.0.0", "test:exports/host@1.0.0"),
        ("test:exports/host@2.0.0", "test:exports/host@1.0.0"),
        ("wasi:cli/stdot", "wasi:cli/stdout@0.3.0"),
        ("wasi:cli/stderr", None),
        ("wasi:cli/exit", None),
        ("test:exports/store", None),
        ("other:package/host", None),
    ],
)
def test_what_is_meant_differs_in_a_few_letters_or_in_the_version(given: str, meant: str | None) -> None:
    (found,) = unused([given], IMPORTS, IMPORTS)
    assert found.meant == meant


@pytest.mark.parametrize("given", [["test:exports/host"], ["test:exports/host@1.2.0", "test:exports/host@2.0.0"]])
def test_a_provider_that_serves_an_import_may_be_there_for_other_versions_too(given: list[str]) -> None:
    assert unused(given, IMPORTS, IMPORTS) == []


def test_the_error_for_what_is_missing_names_the_providers_that_serve_nothing() -> None:
    with pytest.raises(LinkError) as caught:
        Host(providers={"test:export/host": Sleeper(), "my:pkg/a": Sleeper()}).call(load("rust-exports"), "f")
    assert str(caught.value).splitlines() == [
        "nothing provides the import test:exports/host@1.0.0 (sleep)",
        "the provider 'test:export/host' serves no import of this component; did you mean test:exports/host@1.0.0?",
        "the provider 'my:pkg/a' serves no import of this component",
    ]


def test_a_provider_that_nearly_serves_an_import_of_wasi_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    host = Host(providers={HOST: Sleeper(), "test:exports/hosst": Sleeper(), "other:x/host": Sleeper()})
    with caplog.at_level(logging.WARNING, "wasihost.providers"):
        for _ in range(2):
            host.call(load("rust-exports"), f"{API}#divide", 7, 2)
    assert [(record.name, record.levelname) for record in caplog.records] == [("wasihost.providers", "WARNING")]
    assert re.search(r"rust-exports\.wasm: the provider 'test:exports/hosst' serves no import", caplog.text)


async def test_with_a_mapping_of_all_providers_only_what_may_be_meant_is_named() -> None:
    providers = {**Host().providers(), "test:export/host": Sleeper()}
    with pytest.raises(LinkError) as caught:
        async with load("rust-exports").open(providers):
            pass
    assert len(str(caught.value).splitlines()) == 2
