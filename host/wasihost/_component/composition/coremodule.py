"""Common part of the generators of the adapter and the driver component: a nested component under construction."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from wasihost._base.quoting import wat_string as quote
from wasihost._component.composition.corecode import Walkers
from wasihost._component.composition.protocol import NUMBERS
from wasihost._component.composition.wat import TypeScope, signature
from wasihost._component.world import layout, types

MEMORY = "(memory $memory)"
REALLOC = "(realloc $realloc)"
ARENA = "(realloc $arena-realloc)"


def text(name: str, **words: object) -> str:
    """A .wat file of this package with its words in braces filled in."""
    template = files("wasihost._component.composition").joinpath(name).read_text(encoding="utf-8")
    return template.format_map(NUMBERS | words)


class Parts:
    """A nested component: its imports from the outer component, its types, built-ins and core code.

    `needs` maps each name of the import instance to the function type that the outer component must supply; types come
    under generated names, in `imported.named`.
    """

    def __init__(self) -> None:
        self.imported = TypeScope(naming=True)
        self.scope = TypeScope()
        self.needs: dict[str, types.Func] = {}
        self._definitions: list[str] = []
        self._core_imports: list[str] = []
        self._core_arguments: list[str] = []
        self._core_names: set[str] = set()
        self._drops: dict[types.Resource, str] = {}
        self.functions: list[str] = []
        self.walkers = Walkers(self.drop_function, self.exchange)

    def need(self, name: str, func: types.Func) -> None:
        """Imports a component function as `name`."""
        self.imported.lines.append(f"(export {quote(name)} {self.imported.func(func)})")
        self.needs[name] = func

    def begin(self) -> None:
        """The imports are complete: their types can be used from here on."""
        for name, t in self.imported.named.items():
            self.scope.lines.append(f'(alias export $imports "{name}" (type ${name}))')
            self.scope.know(t, f"${name}")

    @property
    def import_lines(self) -> list[str]:
        return ['(import "host" (instance $imports', *self.imported.lines, "))"]

    def builtin(self, name: str, params: Iterable[str], results: Iterable[str], canon: str) -> str:
        """Gives the core module a canonical built-in under `name`; says how core code calls it."""
        if name not in self._core_names:
            self._core_names.add(name)
            self._definitions.append(f"(core func $core-{name} (canon {canon}))")
            self._core_imports.append(f'(import "" "{name}" (func ${name}{signature(params, results)}))')
            self._core_arguments.append(f'(export "{name}" (func $core-{name}))')
        return f"${name}"

    def lower(self, name: str, params: Iterable[str], results: Iterable[str], options: str = "") -> str:
        """Gives the core module the imported component function `name`."""
        self._definitions.append(f'(alias export $imports "{name}" (func $imported-{name}))')
        return self.builtin(name, params, results, f"lower (func $imported-{name}) {options}")

    def lower_host(self, name: str, func: types.Func, realloc: str) -> str:
        """As `lower`, with the flat form of a sync call of `func`: the result comes back as its only flat value, or
        through a pointer that is given last."""
        params = list(layout.flatten_all(t for _, t in func.params))
        results = [] if func.result is None else list(layout.flatten(func.result))
        if len(params) > layout.MAX_FLAT_PARAMS:
            params = ["i32"]
        if len(results) > layout.MAX_FLAT_RESULTS:
            params = [*params, "i32"]
            results = []
        return self.lower(name, params, results, f"{MEMORY} {realloc}")

    def drop_function(self, t: types.Own | types.Borrow | types.Stream | types.Future) -> str | None:
        """The core function that drops such a handle; None for one that must stay."""
        assert isinstance(t, types.Own | types.Borrow)
        resource = t.resource
        if resource not in self._drops:
            name = f"drop-resource-{len(self._drops)}"
            self._drops[resource] = self.builtin(name, ["i32"], [], f"resource.drop {self.scope.ref(resource)}")
        return self._drops[resource]

    def exchange(self, _t: types.Stream | types.Future) -> dict[int, str]:
        """The core functions that give another handle for an end, by the mode of the walk; see `Walkers`."""
        return {}

    def component(self, name: str, libc: str, core: str, rest: Iterable[str], **words: object) -> str:
        """The whole nested component: `core` is the file of its core module."""
        module = text(
            core,
            imports="\n  ".join(self._core_imports),
            functions="\n  ".join(self.functions + self.walkers.functions),
            **words,
        )
        return "\n".join(
            [
                f"(component ${name}",
                *self.import_lines,
                libc,
                "(core instance $libc (instantiate $libc))",
                '(alias core export $libc "memory" (core memory $memory))',
                '(alias core export $libc "realloc" (core func $realloc))',
                '(alias core export $libc "arena-realloc" (core func $arena-realloc))',
                *self.scope.lines,
                *self._definitions,
                module,
                f"(core instance $runtime-arguments {' '.join(self._core_arguments)})",
                '(core instance $core (instantiate $wasihost (with "libc" (instance $libc))',
                '(with "" (instance $runtime-arguments))))',
                *rest,
                ")",
            ]
        )
