"""Origins that the embedder answers for: which requests are theirs."""

from __future__ import annotations

import pytest

from tests.unit.http.peers import get
from wasihost._base.errors import ConfigError
from wasihost._http.messages import Handler, Request, Response
from wasihost._http.origins import Origins


def _status(status: int) -> Handler:
    async def answer(_request: Request) -> Response:
        return Response(status=status)

    return answer


@pytest.mark.parametrize(
    ("scheme", "authority", "status"),
    [
        ("http", "api.internal", 201),
        ("https", "API.internal.", 201),
        ("https", "api.internal:443", 201),
        ("http", "api.internal:443", 404),
        ("http", "api.internal:8080", 202),
        ("http", "below.api.internal", 404),
        ("http", "[::1]", 203),
        ("http", "[0:0::1]:80", 203),
    ],
)
async def test_an_origin_is_a_host_with_its_port(scheme: str, authority: str, status: int) -> None:
    handlers = {"api.Internal": _status(201), "api.internal:8080": _status(202), "[::1]": _status(203)}
    origins = Origins(handlers, _status(404))
    assert (await origins(get(scheme=scheme, authority=authority))).status == status


@pytest.mark.parametrize("name", ["", "a/b", "u@a", "a:b", "*", "http://a"])
def test_a_name_that_is_no_authority_is_an_error(name: str) -> None:
    with pytest.raises(ConfigError, match="expected a host, perhaps with a port"):
        Origins({name: _status(200)}, _status(404))
