"""Finds an interface, or a function in one, by a name with a version, as Wasmtime does.

Versions are compatible if they have the same major, or while that is 0 the same minor. A pre-release and 0.0.x are
compatible with nothing else (`NameMap` in Wasmtime's crates/environ/src/component/names.rs).
"""

from __future__ import annotations

import re
from collections.abc import Collection

_VERSION = re.compile(r"@([0-9]+(?:\.[0-9]+)*)(-[^+#]*)?(\+[^#]*)?")


def find(name: str, names: Collection[str]) -> str | None:
    """The meaning of `ns:pkg/iface@1.2.3`, or `ns:pkg/iface@1.2.3#func`, among `names`; None if there is nothing like
    it.

    That is the name itself if it is there, else the newest compatible one, and for a name without version the newest
    release, or the newest pre-release if there are no releases.
    """
    if name in names:
        return name
    stem = name.partition("@")[0].partition("#")[0]
    wanted = _compatible(name)
    similar = (other for other in names if other.startswith(stem))
    fitting = (other for other in similar if wanted in (_compatible(other), _VERSION.sub("", other)))
    return max(fitting, key=age, default=None)


def serving(name: str, names: Collection[str]) -> str | None:
    """The one of `names` that serves the import `name`: a compatible version, else the one without a version."""
    if name in names:
        return name
    unversioned = plain(name)
    found = find(name, names) if name != unversioned else None
    return unversioned if found is None and unversioned in names else found


def plain(name: str) -> str:
    """The name without its version."""
    return _VERSION.sub("", name)


def _compatible(name: str) -> str:
    """The name with that part of the version that compatible ones share: `@1`, `@0.3`, or all of it."""
    version = _VERSION.search(name)
    if version is None or version[2]:
        return name
    numbers = version[1].split(".")
    significant = next((i for i, number in enumerate(numbers) if number != "0"), len(numbers) - 1)
    return f"{name[: version.start()]}@{'.'.join(numbers[: significant + 1])}{name[version.end() :]}"


def age(name: str) -> tuple[bool, list[int], str]:
    """Sorts older names first, and pre-releases before every release."""
    version = _VERSION.search(name)
    if version is None:
        return True, [], ""
    return version[2] is None, [int(number) for number in version[1].split(".")], version[2] or ""
