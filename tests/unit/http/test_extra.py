"""Without the library of the extra `http`."""

from __future__ import annotations

import functools
import sys

import pytest

from tests.unit.http.test_server import GET, HELLO, hello, serving
from wasihost._base.errors import MissingExtraError
from wasihost._http import parsing
from wasihost._http.client import Client
from wasihost._http.connecting import connect
from wasihost._network.virtual import VirtualNetwork


def test_a_client_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h11", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'wasihost\[http\]'"):
        Client(functools.partial(connect, VirtualNetwork().guest))


async def test_a_server_answers_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h11", None)
    monkeypatch.delattr(parsing, "h11")
    async with serving(hello) as site:
        assert await site.says(GET) == HELLO
