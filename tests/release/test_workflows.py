"""The workflows of .github do what can be done here: their steps are targets of make, their CPythons those of nox."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import noxfile

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / ".github/workflows").glob("*.yml")}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _steps(workflow: str) -> set[str]:
    return set(re.findall(r"run: make ([a-z-]+)", WORKFLOWS[workflow]))


def test_every_step_is_a_target_of_make() -> None:
    nightly = set(re.findall(r"target: \[(.*)\]", WORKFLOWS["nightly"])[0].split(", "))
    assert _steps("ci") | _steps("release") | nightly <= TARGETS


def test_the_script_does_what_the_workflow_does() -> None:
    script = (ROOT / ".ci/workflow").read_text(encoding="utf-8")
    done = set(re.findall(r"for target in (.*);", script)[0].split())
    assert done == (_steps("ci") - {"test"}) | {"matrix"}  # which is `make test` on each CPython


def test_the_cpythons_are_those_of_nox_and_of_the_classifiers() -> None:
    tested = re.findall(r"[\d.]+t?", re.findall(r"python: \[(.*)\]", WORKFLOWS["ci"])[0])
    assert set(tested) <= set(noxfile.PYTHONS)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    assert named == [python for python in tested if not python.endswith("t")]
