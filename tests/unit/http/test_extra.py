"""Without the library of the extra `http`."""

from __future__ import annotations

import functools
import sys

import pytest

from wasihost._base.errors import MissingExtraError
from wasihost._http.client import Client
from wasihost._http.connecting import connect
from wasihost._http.messages import Request, Response
from wasihost._http.server import HttpServer
from wasihost._network.virtual import VirtualNetwork


def test_clients_and_servers_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(_request: Request) -> Response:
        raise AssertionError

    monkeypatch.setitem(sys.modules, "h11", None)
    network = VirtualNetwork().guest
    with pytest.raises(MissingExtraError, match=r"pip install 'wasihost\[http\]'"):
        Client(functools.partial(connect, network))
    with pytest.raises(MissingExtraError, match=r"pip install 'wasihost\[http\]'"):
        HttpServer(network, [], handler)
