"""Every test on each CPython that this machine has, `make matrix`, and with the newest Wasmtime, `make newest`; jobs on
the engines that run them, `make engines`.

A CPython that is missing is said and passed over.
"""

import nox

nox.options.download_python = "never"
nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = False


def install(session: nox.Session) -> None:
    """The library and the tools for developing it."""
    session.install("--upgrade", "pip>=25.1")  # which knows groups
    session.install("--editable", ".", "--group", "dev")


@nox.session(python=["3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t"])
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
    session.install("--editable", ".[dev,engines]")
    session.run("python", "-m", "pytest", "-m", "engines", "tests/engines", *session.posargs)
