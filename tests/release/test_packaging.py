"""What `pip install wasihost` gives: built as for a release, installed where nothing for development is."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import wasmtime

from wasihost import __version__

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def _run(*command: str | Path, cwd: Path = ROOT) -> str:
    # What is installed is tested, and not what PYTHONPATH points to.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=cwd, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder)
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # With isolation, pip would fetch the build back end that is already here.
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, sdist)
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with nothing but the wheel and its dependency."""
    environment = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", "--without-pip", environment)
    (packages,) = environment.glob("lib/python*/site-packages")
    for found in Path(wasmtime.__file__).parents[1].glob("wasmtime*"):
        (packages / found.name).symlink_to(found)  # what pip would fetch again
    python = environment / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index", wheel)
    return python.parent


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    sources = ROOT / "host"
    expected = {str(path.relative_to(sources)) for path in (sources / "wasihost").rglob("*.*") if path.suffix != ".pyc"}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == expected | {"_wasihost_pytest_plugin.py"}
    assert "wasihost/py.typed" in packed


def test_the_metadata_are_for_users(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert not {"dev", "engines", "site", "workflows"} & set(metadata.get_all("Provides-Extra", []))
    assert {url.partition(",")[0] for url in metadata.get_all("Project-URL", [])} >= {
        "Documentation",
        "Source",
        "Issues",
    }
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_sdist_holds_no_build_results(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        parts = {part for name in archive.getnames() for part in name.split("/")}
    assert not parts & {"target", "build", ".venv", "__pycache__"}
    assert {"LICENSE", "CHANGELOG.md", "host", "tests", "wit", "guest-fixtures"} <= parts


def test_every_module_can_be_imported_without_the_development_tools(scripts: Path, tmp_path: Path) -> None:
    every = (
        "import importlib, pkgutil, wasihost\n"
        "for m in pkgutil.walk_packages(wasihost.__path__, 'wasihost.'):\n"
        "    if not m.name.endswith(('__main__', 'pytest_plugin', '_jobs.dask')) and '.http2.' not in m.name:\n"
        "        importlib.import_module(m.name)\n"
        "print(wasihost.__file__)"
    )
    assert _run(scripts / "python", "-W", "error", "-c", every, cwd=tmp_path).startswith(str(scripts.parent))


def test_the_command_tells_its_version(scripts: Path, tmp_path: Path) -> None:
    assert __version__ in _run(scripts / "wasihost", "--version", cwd=tmp_path)


def test_its_requirements_are_met(scripts: Path) -> None:
    assert "No broken requirements" in _run(sys.executable, "-m", "pip", "--python", scripts / "python", "check")
