"""Running programs that others wrote, as clients and as servers."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from tests.processes import ROOT, TIMEOUT_S

PREBUILT = ROOT / "guest-fixtures/prebuilt"
SERVICES = [PREBUILT / f"{name}.wasm" for name in ("rust-http", "rust-p2-http")]


async def printed(program: str, *arguments: str, status: int = 0) -> str:
    """What a program prints, also on stderr; skips the test where the machine lacks it."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: make tools")
    process = await asyncio.create_subprocess_exec(path, *arguments, stdout=PIPE, stderr=STDOUT)
    async with asyncio.timeout(TIMEOUT_S):
        output, _ = await process.communicate()
    assert process.returncode == status, output.decode(errors="replace")
    return output.decode(errors="replace")


async def curl(*arguments: str, status: int = 0) -> str:
    """What curl prints."""
    return await printed("curl", "--silent", "--show-error", "--noproxy", "*", *arguments, status=status)


@contextlib.asynccontextmanager
async def python_server(*words: str, says: str, cwd: Path) -> AsyncIterator[None]:
    """A server in Python from when it prints `says`, which has to end well at SIGTERM; skips the test without it."""
    pytest.importorskip(words[0], reason=f"{words[0]} is not installed: make nightly")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, cwd=cwd, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    assert process.stdout is not None
    log = b""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while says.encode() not in log:
                line = await process.stdout.readline()
                log += line
                assert line, log.decode()
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()  # and not kill: the workers of some live on then
        async with asyncio.timeout(TIMEOUT_S):
            log += await process.stdout.read()
            status = await process.wait()
    assert status in (0, -signal.SIGTERM), log.decode()


def write_app(folder: Path, service: Path) -> None:
    """Writes `app.py`, whose `app` is a guest as an ASGI application."""
    text = f"import wasihost.http\nfrom wasihost import Host\n\napp = wasihost.http.asgi(Host(), {str(service)!r})\n"
    (folder / "app.py").write_text(text)


class Certificates:
    """A CA of our own, and a certificate of 127.0.0.1 and localhost with its key, in files."""

    def __init__(self, folder: Path) -> None:
        self.ca = folder / "ca.pem"
        self.server = folder / "server.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        issued = authority.issue_cert("127.0.0.1", "localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(self.server)
