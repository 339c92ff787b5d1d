"""What the generated guests with streams and futures share: the builtins for the ends, and their core module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from tests.abi.echo import CORE_IMPORTS
from wasihost.component.composition.wat import TypeScope, signature
from wasihost.component.world import types

COPY = "(memory $memory) (realloc $realloc)"

Canons: TypeAlias = Mapping[str, tuple[str, str, str]]
"""By name: the canonical definition, and the core types of its parameters and results."""


def refs(scope: TypeScope, stream: types.Stream, future: types.Future) -> dict[str, str]:
    """How both types are referred to, by their words."""
    return {"stream": scope.ref(stream), "future": scope.ref(future)}


def canons(refs: Mapping[str, str]) -> dict[str, tuple[str, str, str]]:
    """The builtins for making, reading, writing and dropping ends."""
    found: dict[str, tuple[str, str, str]] = {}
    for word, ref in refs.items():
        copied = "i32 i32 i32" if word == "stream" else "i32 i32"
        found |= {
            f"{word}.new": (f"{word}.new {ref}", "", "i64"),
            f"{word}.read": (f"{word}.read {ref} {COPY}", copied, "i32"),
            f"{word}.write": (f"{word}.write {ref} (memory $memory)", copied, "i32"),
            f"{word}.drop-readable": (f"{word}.drop-readable {ref}", "i32", ""),
            f"{word}.drop-writable": (f"{word}.drop-writable {ref}", "i32", ""),
        }
    return found


def core_instance(canons: Canons, body: str) -> list[str]:
    """The core module with this body, which imports the canons, and its instance `$i`."""
    defined = [f"(core func ${name} (canon {canon}))" for name, (canon, _, _) in canons.items()]
    arguments = " ".join(f'(export "{name}" (func ${name}))' for name in canons)
    imports = [
        f'    (import "" "{name}" (func ${name}{signature(params.split(), results.split())}))'
        for name, (_, params, results) in canons.items()
    ]
    instance = f'(core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance {arguments}))))'
    return [*defined, "(core module $m" + CORE_IMPORTS, *imports, body, ")", instance]
