"""Every test on each CPython that this machine has, `make matrix`, and with the newest Wasmtime, `make newest`; jobs on
the engines that run them, `make engines`; the files of a release, `make release`.

A CPython that is missing is said and passed over.
"""

import os
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t"]
SMOKE = """
import wasihost
from wasihost.files import MemoryFiles

files = MemoryFiles({"/in.csv": b"name,number\\nAda,36\\n"})
host = wasihost.Host(files={"/": files}, args=["report", "/in.csv", "/out"])
host.run("guest-fixtures/prebuilt/rust-report.wasm")
assert files["/out/report.txt"].endswith(b"36\\n")
print(wasihost.__version__, wasihost.__file__)
"""

nox.options.download_python = "never"
nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = False


def install(session: nox.Session) -> None:
    """The library and the tools for developing it."""
    session.install("--upgrade", "pip>=25.1")  # which knows groups
    session.install("--editable", ".", "--group", "dev")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """`make test` in an environment of its own."""
    install(session)
    session.run("python", "-m", "pytest", "--numprocesses", "auto", "--maxprocesses", "4", *session.posargs)


@nox.session
def wasmtime(session: nox.Session) -> None:
    """`make test` with the newest wasmtime wheel, whatever pyproject.toml allows: `make newest`."""
    install(session)
    session.install("--upgrade", "wasmtime")
    session.run("python", "-m", "wasihost", "--version")
    session.run("python", "-m", "pytest", "--numprocesses", "auto", "--maxprocesses", "4", *session.posargs)


@nox.session
def engines(session: nox.Session) -> None:
    """The tests of jobs on Dask, Ray and joblib, and with Arrow: `make engines`."""
    install(session)
    session.install("--group", "engines")
    session.run("python", "-m", "pytest", "-m", "engines", "tests/engines", *session.posargs)


@nox.session
def dist(session: nox.Session) -> None:
    """Builds wheel and sdist into dist/ and checks them; where TAG is set, they must be of its version."""
    session.install("build>=1.3", "twine>=6.2")
    session.run("python", "-m", "build", "--outdir", "dist")
    files = sorted(map(str, Path("dist").iterdir()))
    session.run("twine", "check", "--strict", *files)
    tag = os.environ.get("TAG")
    if tag and not all(f"-{tag.removeprefix('v')}" in file for file in files):
        session.error(f"{tag} is not the version of {', '.join(files)}")


@nox.session(python=PYTHONS)
def installed(session: nox.Session) -> None:
    """Installs the wheel, and then the sdist, where nothing else is, and runs a component."""
    wheel, sdist = (next(Path("dist").glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    for file in (wheel, sdist):
        session.install("--force-reinstall", str(file))
        session.run("python", "-W", "error", "-c", SMOKE)
        session.run("wasihost", "doctor")
        session.run("python", "-m", "pip", "check")
