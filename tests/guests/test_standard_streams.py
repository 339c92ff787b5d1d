"""The standard streams of a guest that was given none, by WASI 0.3 and by 0.2."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys

import pytest

from tests.guests.harness import PREBUILT, load
from tests.processes import ROOT, TIMEOUT_S
from wasihost import Host

COPY = {"CASE": "copy", "MODE": "copy"}
both_versions = pytest.mark.parametrize("guest", ["rust-cat", "rust-std-p2"])


@both_versions
@pytest.mark.parametrize(("stdin", "copied"), [("", ""), ("stdin=sys.stdin", "secret")], ids=["default", "asked"])
def test_stdin_of_this_process_is_read_only_if_asked_for(guest: str, stdin: str, copied: str) -> None:
    script = f"import sys; from wasihost import Host; Host(env={COPY}, {stdin}).run(sys.argv[1])"
    command = [sys.executable, "-c", script, str(PREBUILT / f"{guest}.wasm")]
    done = subprocess.run(
        command, cwd=ROOT, input="secret", capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )
    assert (done.stdout, done.stderr) == (copied, f"{len(copied)} bytes\n")


@both_versions
def test_output_goes_where_print_goes_and_in_its_order(guest: str, capsys: pytest.CaptureFixture[str]) -> None:
    print("before", end=" ")
    Host(env=COPY, stdin=b"hello").run(load(guest))
    print(" after")
    assert capsys.readouterr() == ("before hello after\n", "5 bytes\n")


@both_versions
async def test_output_goes_where_print_goes_when_it_is_written(guest: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    async with Host(env=COPY, stdin=b"hello").open(load(guest)) as instance:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            await instance.call("wasi:cli/run#run")
            await instance.drain()
    assert (out.getvalue(), err.getvalue()) == ("hello", "5 bytes\n")
