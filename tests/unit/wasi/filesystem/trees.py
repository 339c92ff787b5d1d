"""Trees on disk for the tests, and both ways to open in them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from wasihost._policy import Policy, Rules
from wasihost._policy.asking import Asker
from wasihost._wasi.filesystem import sandbox
from wasihost._wasi.filesystem.answers import Answer, Later
from wasihost._wasi.filesystem.descriptor import Descriptor, preopened
from wasihost._wasi.filesystem.directory import Directory
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.filesystem.nodes import FileSystem

T = TypeVar("T")


def make_tree(root: Path) -> Path:
    """A base directory with links of every kind, beside a secret that none of them may reach."""
    base = root / "base"
    (base / "dir").mkdir(parents=True)
    (root / "out").mkdir()
    (root / "out" / "secret").write_text("secret")
    (base / "f").write_text("content")
    (base / "dir" / "x").write_text("x")
    links = {
        "lf": "f",
        "ld": "dir",
        "dangling": "nowhere",
        "esc": "../out/secret",
        "escd": "../out",
        "abs": "/etc/passwd",
        "loop1": "loop2",
        "loop2": "loop1",
        "up": "..",
        "dir/back": "../f",
        "slash": "dir/",
    }
    for name, target in links.items():
        (base / name).symlink_to(target)
    return base


def both_ways(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Has the sandbox open by `openat2`, if the system has it, or by walking."""
    monkeypatch.setattr(sandbox, "uses_openat2", way == "openat2" and sandbox.uses_openat2)


def policy_of(way: str) -> Policy | None:
    """A policy that is asked about each path, and allows it, if that is the way."""
    return Rules(files=["/**"]) if way == "with a policy" else None


def descriptor(directory: Path, *, read_only: bool = False, policy: Policy | None = None) -> Descriptor:
    """The descriptor that a guest gets of a directory."""
    return guest_of(Directory(directory, read_only=read_only), policy)


def guest_of(files: FileSystem, policy: Policy | None = None) -> Descriptor:
    """The descriptor that a guest gets of a file system."""
    asker = None if policy is None else Asker(policy)
    ((found, _),) = preopened(Mounts({"/": files}, b"key", asker))
    return found


def at_once(answer: Answer[T]) -> T:
    """The answer of a file system that never waits."""
    assert not isinstance(answer, Later)
    return answer


def code_of(call: Callable[..., Any], *args: Any) -> str:
    """The name of the errno that a call fails with, `ok` if it does not; what it opens is closed."""
    try:
        found = call(*args)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    if isinstance(found, Descriptor):
        found.close()
    return "ok"


def open_files() -> set[str]:
    """The descriptors of this process."""
    return set(os.listdir("/proc/self/fd"))
