"""The interfaces and functions of WASI, read from the vendored WIT by wasm-tools."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Function:
    """One function; `name` is the component's, such as `[method]tcp-socket.bind`."""

    name: str
    signature: str
    """As the WIT writes it: `bind: func(local-address: ip-socket-address) -> result<_, error-code>`."""
    parameters: tuple[str, ...]
    """With `self` for a method."""

    @property
    def is_async(self) -> bool:
        return ": async func(" in self.signature

    @property
    def resource(self) -> str | None:
        return self.name.partition("]")[2].partition(".")[0] or None

    @property
    def own_name(self) -> str:
        """Without the resource."""
        return "constructor" if self.name.startswith("[constructor]") else self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Interface:
    """One interface, with its functions and the names of its types in the order of the WIT."""

    name: str
    """With the version: `wasi:cli/stdout@0.3.2`."""
    is_stable: bool
    functions: tuple[Function, ...]
    resources: tuple[str, ...]
    nominal_types: tuple[str, ...]
    """Enums, flags, records and variants that are defined here."""


def surface(version: str) -> list[Interface]:
    """Every interface of the WASI packages in `VERSION/deps`, unstable ones too, by package and in the WIT's order."""
    tool = os.path.join(sysconfig.get_path("scripts"), "wasm-tools")
    command = [tool, "component", "wit", "--json", "--all-features", str(HERE / version)]
    reader = _Reader(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))
    return sorted(reader.interfaces(), key=lambda interface: interface.name.partition("/")[0])


class _Reader:
    def __init__(self, world: dict[str, Any]) -> None:
        self._world = world

    def interfaces(self) -> Iterator[Interface]:
        for package in self._world["packages"]:
            for name, number in package["interfaces"].items():
                stem, _, version = package["name"].partition("@")
                yield self._interface(f"{stem}/{name}@{version}", number)

    def _interface(self, name: str, number: int) -> Interface:
        interface = self._world["interfaces"][number]
        kinds = {name: self._world["types"][t]["kind"] for name, t in interface["types"].items()}
        return Interface(
            name,
            "unstable" not in interface.get("stability", {}),
            tuple(self._function(function) for function in interface["functions"].values()),
            tuple(name for name, kind in kinds.items() if kind == "resource"),
            tuple(
                name
                for name, kind in kinds.items()
                if isinstance(kind, dict) and kind.keys() & {"enum", "flags", "record", "variant"}
            ),
        )

    def _function(self, function: dict[str, Any]) -> Function:
        kind = function["kind"]
        form = kind if isinstance(kind, str) else next(iter(kind))
        names = tuple(param["name"] for param in function["params"])
        words = ", ".join(
            f"{param['name']}: {self._type(param['type'])}" for param in function["params"] if param["name"] != "self"
        )
        arrow = f" -> {self._type(function['result'])}" if function.get("result") is not None else ""
        word = f"{'static ' if 'static' in form else ''}{'async ' if 'async' in form else ''}func"
        own_name = function["name"].rpartition(".")[2]
        return Function(function["name"], f"{own_name}: {word}({words}){arrow}", names)

    def _type(self, t: int | str | None) -> str:
        if t is None:
            return "_"
        if isinstance(t, str):
            return t
        found = self._world["types"][t]
        return found["name"] or self._structure(found["kind"])

    def _structure(self, kind: Any) -> str:
        if not isinstance(kind, dict):
            return str(kind)
        ((word, inner),) = kind.items()
        if word == "handle":
            ((mode, resource),) = inner.items()
            return self._type(resource) if mode == "own" else f"borrow<{self._type(resource)}>"
        if word == "result":
            ok, err = (self._type(inner[side]) for side in ("ok", "err"))
            return "result" if (ok, err) == ("_", "_") else f"result<{ok}>" if err == "_" else f"result<{ok}, {err}>"
        parts = [self._type(part) for part in (inner["types"] if word == "tuple" else [inner])]
        return word if parts == ["_"] else f"{word}<{', '.join(parts)}>"
