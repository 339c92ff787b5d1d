"""Writes the tables of docs/reference/coverage.md, `make docs`: functions of WASI, from the WIT and the providers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wasihost import Host, LinkError
from wasihost._component.running.imports.providers import Providers, find_method
from wasihost._component.world import types
from wit.surface import Function, Interface, surface

BEGIN = "<!-- wit/table.py writes from here -->\n"
END = "<!-- to here -->\n"
VERSIONS = ("0.3", "0.2")
CALLED = ("wasi:cli/run@", "wasi:http/handler@", "wasi:http/incoming-handler@")  # guests export them, and we call them


def table() -> str:
    """For each version, one line for each interface: its functions that work, and those that do not yet."""
    return "\n".join(map(_table_of, VERSIONS))


def _table_of(version: str) -> str:
    providers, interfaces = Providers(Host().providers()), surface(version)
    number = interfaces[0].name.partition("@")[2]
    rows = [_row(interface, providers) for interface in interfaces]
    return "\n".join([f"| WASI {number} | works | not yet |", "|---|---|---|", *rows, ""])


def _row(interface: Interface, providers: Providers) -> str:
    works, lacks = _cells(interface, providers.find(interface.name))
    unstable = "" if interface.is_stable else " (unstable)"
    return f"| `{interface.name.partition('@')[0]}`{unstable} | {works} | {lacks} |"


def _cells(interface: Interface, provider: object | None) -> tuple[str, str]:
    there = [function for function in interface.functions if _works(interface, function, provider)]
    missing = [function for function in interface.functions if function not in there]
    if not interface.functions:
        return ("types only", "") if provider is not None else ("", "types only")
    return _listed(there), _listed(missing)


def _works(interface: Interface, function: Function, provider: object | None) -> bool:
    if interface.name.startswith(CALLED):
        return True
    # Only the names of parameters are looked at.
    func = types.Func(tuple((name, types.U8) for name in function.parameters), None, function.is_async)
    try:
        find_method(provider, interface.name, function.name, func)
    except LinkError:
        return False
    return True


def _listed(functions: list[Function]) -> str:
    return "; ".join(_by_resource(functions))


def _by_resource(functions: list[Function]) -> Iterator[str]:
    for resource in dict.fromkeys(function.resource for function in functions):
        names = ", ".join(function.own_name for function in functions if function.resource == resource)
        yield names if resource is None else f"{resource}: {names}"


def written(page: str) -> str:
    """The page with its tables as they are now."""
    head, begin, rest = page.partition(BEGIN)
    return head + begin + table() + END + rest.partition(END)[2]


def main() -> None:
    """Replaces the tables in docs/reference/coverage.md."""
    path = Path(__file__).resolve().parents[1] / "docs/reference/coverage.md"
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
