"""Servers that others wrote, of guests as ASGI applications."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outside.programs import SERVICES, curl, python_server, write_app

SERVERS = {
    "uvicorn": (("uvicorn", "app:app", "--uds", "socket"), "Uvicorn running on"),
    "hypercorn": (("hypercorn", "app:app", "--bind", "unix:socket"), "Running on"),
    "granian": (("granian", "app:app", "--interface", "asgi", "--uds", "socket"), "Started worker"),
}
"""How each is started on a Unix socket, since a port of its own choice is not known, and what it prints then."""

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.stem),
    pytest.mark.parametrize("name", SERVERS),
]


async def test_a_server_of_others_serves_a_guest(name: str, service: Path, tmp_path: Path) -> None:
    write_app(tmp_path, service)
    data = tmp_path / "data"
    data.write_bytes(bytes(range(256)) * 4000)
    words, says = SERVERS[name]
    async with python_server(*words, says=says, cwd=tmp_path):
        ask = ("--unix-socket", f"{tmp_path}/socket", "http://here/", "--header")
        assert await curl(*ask, "case: hello") == "hello"
        await curl(*ask, "case: copy", "--data-binary", f"@{data}", "--output", f"{tmp_path}/copy")
        assert (tmp_path / "copy").read_bytes() == data.read_bytes()
        assert "500" in await curl(*ask, "case: trap", "--include")
        cut = await curl(*ask, "case: trap-after", status=18)
        assert cut.endswith("some")
