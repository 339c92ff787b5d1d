"""The findings of `wasihost doctor` about this installation and this machine."""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from wasihost._base.errors import WasihostError
from wasihost._base.version import __version__
from wasihost._commands.exits import FAILURE
from wasihost._commands.messages import ERROR, WARNING
from wasihost._component import cache, ffi
from wasihost._host.host import Host

_OF_DEVELOPERS: Final = ("dev", "engines")
"""Extras for working on wasihost itself."""
_GUEST: Final = """(component
  (core module $code (func (export "run") (result i32) (i32.const 0)))
  (core instance $code (instantiate $code))
  (func $run (result (result)) (canon lift (core func $code "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exports)))"""


class Finding(NamedTuple):
    """A finding about one thing; `style` is empty if all is well."""

    name: str
    text: str
    style: str = ""


def findings() -> Iterator[Finding]:
    """Versions, extras, means of the system, and whether guests run."""
    build = "free-threaded" if hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled() else "with GIL"
    yield Finding("wasihost", __version__)
    yield Finding("Python", f"{platform.python_implementation()} {platform.python_version()}, {build}")
    yield Finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield Finding("Wasmtime", f"wasmtime-py {ffi.VERSION}")
    yield from _extras()
    yield _files()
    yield _cache()
    yield _guests()
    yield _forks()


def _extras() -> Iterator[Finding]:
    """For each extra the packages that it brings, as the metadata of this installation has them."""
    extras: dict[str, list[str]] = {}
    for requirement in metadata.requires("wasihost") or ():
        package, _, marker = requirement.partition(";")
        if found := re.search(r"extra == ['\"](\w+)", marker):
            extras.setdefault(found[1], []).append(re.split(r"[^\w.-]", package, maxsplit=1)[0])
    for name in sorted(extras.keys() - {*_OF_DEVELOPERS}):
        versions = {package: _version(package) for package in extras[name]}
        if all(versions.values()):
            yield Finding(f"extra {name}", ", ".join(f"{package} {version}" for package, version in versions.items()))
        else:
            yield Finding(f"extra {name}", f"not installed: pip install 'wasihost[{name}]'")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _files() -> Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    way = "by openat2(2)" if _has_openat2() else "one name after the other, without openat2(2)"
    return Finding("files", f"paths are resolved {way}; at most {limit:,} open, of which a guest has a quarter")


def _has_openat2() -> bool:
    from wasihost._wasi.filesystem import system

    if not system.HAS_OPENAT2:
        return False
    base = os.open(".", os.O_RDONLY)
    try:
        os.close(system.openat2(base, b".", os.O_RDONLY, 0))
    except OSError:  # before Linux 5.6, or a filter of system calls
        return False
    finally:
        os.close(base)
    return True


def _cache() -> Finding:
    problem = cache.problem()
    if problem is not None:
        return Finding("cache", f"not used: {problem}", WARNING)
    return Finding("cache", f"{cache.user_directory()}")


def _guests() -> Finding:
    try:
        with tempfile.TemporaryDirectory() as folder:
            guest = Path(folder, "guest.wat")
            guest.write_text(_GUEST, encoding="utf-8")
            Host().run(guest)
    except WasihostError as error:
        return Finding("guests", f"do not run: {error}", ERROR)
    return Finding("guests", "run")


def _forks() -> Finding:
    """After `_guests`: the child has a parent that compiled."""
    child = os.fork()
    if not child:
        os._exit(FAILURE if _guests().style else 0)
    _, status = os.waitpid(child, 0)
    if status:
        return Finding("forks", "a forked process does not run guests", ERROR)
    return Finding("forks", "a forked process runs guests too")
