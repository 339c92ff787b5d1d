"""`wasihost doctor`: what it finds, and the advisories that it names."""

from __future__ import annotations

import argparse
import errno
import os
import re
from importlib import metadata
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from wasihost import Host, LinkError
from wasihost._commands import advisories, doctor
from wasihost._component import cache
from wasihost._wasi.filesystem import system

ROOT = Path(__file__).parents[2]


def test_it_prints_versions_and_that_guests_run_also_after_a_fork(cli: Cli) -> None:
    done = cli("doctor")
    assert (done.code, done.err) == (0, "")
    found = dict(re.findall(r"^  (\w+(?: \w+)?)  +(.*)$", done.out.partition("\n\n")[0], re.MULTILINE))
    assert found["guests"] == "run"
    assert found["forks"] == "a forked process runs guests too"
    assert found["Wasmtime"].startswith("wasmtime-py 50.")
    assert "extra http" in found


def test_it_knows_every_extra(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    requires = [
        "wasmtime>=1",
        'h11>=1; extra == "web"',
        "no-such-package<2 ; extra == 'absent'",
        'mypy; extra == "dev"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda _: requires)
    doctor.main(argparse.Namespace())
    lines = capsys.readouterr().out.splitlines()
    found = dict(re.split("  +", line.strip()) for line in lines if "extra " in line)
    assert found == {
        "extra web": f"h11 {version('h11')}",
        "extra absent": "not installed: pip install 'wasihost[absent]'",
    }


def test_the_advisories_are_those_of_security_md() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    table = page[page.index("## What the newest wheel lacks") :]
    assert {name for name, _ in advisories.ADVISORIES} == set(re.findall(r"GHSA(?:-\w{4}){3}", table))


@pytest.mark.parametrize(
    ("version", "lacks"), [("50.0.1", True), ("50.0.2", True), ("50.0.3", False), ("51.0.0", False)]
)
def test_a_version_that_has_the_fixes_lacks_none(version: str, lacks: bool) -> None:
    assert bool(advisories.of(version)) == lacks


def test_what_does_not_work_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def failing(*_: object) -> None:
        raise LinkError("broken")

    monkeypatch.setattr(system, "openat2", refused)
    monkeypatch.setattr(cache, "problem", lambda: "others can write to it")
    monkeypatch.setattr(Host, "run", failing)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert doctor.main(argparse.Namespace()) == 1
    out = capsys.readouterr().out
    assert "without openat2(2)" in out
    assert "\x1b[33m  cache         not used: others can write to it" in out
    assert "\x1b[1;31m  guests        do not run: broken" in out
    assert "\x1b[1;31m  forks         a forked process does not run guests" in out
