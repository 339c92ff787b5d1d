"""Every test on each CPython that this machine has: `make matrix`. Those that are missing are said and passed over."""

import nox

nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t"])
def tests(session: nox.Session) -> None:
    """`make test` in an environment of its own."""
    session.install("--editable", ".[dev]")
    session.run("python", "-m", "pytest", "--numprocesses", "auto", "--maxprocesses", "4", *session.posargs)
