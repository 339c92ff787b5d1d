"""The imports and exports of a component, as WIT-like text, and whether all of its imports are provided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from wasihost._base.errors import LinkError
from wasihost._base.quoting import printable
from wasihost._commands.why import table
from wasihost._component.adapt import Component, wiring_of
from wasihost._component.running.imports.providers import Providers, find_method
from wasihost._component.world import types
from wasihost._component.world.types import ValType
from wasihost._host import native_wasip2
from wasihost._host.loading import run_export
from wasihost._host.serving import serves

WIDTH = 96  # of a line before it is broken up
MARK_COLUMN = 72

Type: TypeAlias = "types.Resource | ValType"
Mark: TypeAlias = Callable[[str, str, types.Func], str]
"""The remark beside a function, from interface, name and type."""


About: TypeAlias = Callable[[str, str, types.Func], dict[str, object]]
"""Remarks about a function as data, from interface, name and type."""


class Inspection:
    """`text` is the whole report; `problems` are the reasons why the component will neither run nor serve.

    The report has all types and functions, or with `why` a table of the imports and their servers.
    """

    def __init__(self, component: Component, providers: Mapping[str, object], *, why: bool = False) -> None:
        self._wiring = wiring_of(component)
        self._providers = Providers(providers)
        self._marks: Counter[str] = Counter()
        self.problems = list(_problems(component, providers))
        lines = table(self._wiring, providers) if why else self._lines()
        self.text = "\n".join(map(printable, [*lines, *self._verdict()]))

    def document(self) -> dict[str, object]:
        """The same as data: types and functions of imports and exports as WIT, their marks, and the problems."""
        world = self._wiring.world
        imports = [
            _interface(name, each, each, lambda *names_and_type: {"mark": self._kind(*names_and_type)})
            for name, each in world.imports.items()
        ]
        exports = [
            _interface(name, each, world.exported(name), lambda _, __, func: {"callable": self._wiring.can_call(func)})
            for name, each in world.exports.items()
        ]
        return {"runs": not self.problems, "problems": self.problems, "imports": imports, "exports": exports}

    def _lines(self) -> Iterator[str]:
        world = self._wiring.world
        homes = Homes()
        for name, interface in world.imports.items():
            yield from Printer(name, interface, homes, self._mark).lines("import")
        for name, interface in world.exports.items():
            yield from Printer(name, interface, homes, self._mark_export, world.exported(name)).lines("export")
        counts = ", ".join(f"{count} {mark}" for mark, count in sorted(self._marks.items()))
        yield f"// imported functions: {counts or 'none'}"

    def _mark(self, interface: str, name: str, func: types.Func) -> str:
        mark = self._kind(interface, name, func)
        self._marks[mark] += 1
        return mark

    def _kind(self, interface: str, name: str, func: types.Func) -> str:
        if interface in self._wiring.native:
            return "denied 0.2" if native_wasip2.denies(interface) else "native 0.2"
        provider = self._providers.find(interface)
        try:
            if provider is None:
                return "missing"
            find_method(provider, interface, name, func)
        except LinkError:
            return "missing"
        return "direct" if self._wiring.is_direct(interface, name) else "adapted"

    def _mark_export(self, interface: str, name: str, func: types.Func) -> str:
        return "" if self._wiring.can_call(func) else "cannot be called from Python"

    def _verdict(self) -> Iterator[str]:
        if self.problems:
            yield "// It will not run:"
            yield from (f"//   {problem}" for problem in self.problems)
        else:
            denied = any(map(native_wasip2.denies, self._wiring.native))
            but = ", but its sockets of WASI 0.2 are denied, whatever the policy" if denied else ""
            yield f"// It will run: everything is provided{but}."


def _interface(name: str, interface: types.Interface, scope: types.Interface, about: About) -> dict[str, object]:
    """An interface as data, with remarks about each function."""
    printer = Printer(name, interface, Homes(), lambda *_: "", scope)
    functions = [
        {"name": each, "wit": printer.signature(each, func), **about(name, each, func)}
        for each, func in interface.funcs.items()
    ]
    definitions = {each: printer.definition(each, t) for each, t in interface.types.items()}
    return {"name": name, "types": definitions, "functions": functions}


def _problems(component: Component, providers: Mapping[str, object]) -> Iterator[str]:
    try:
        component.check(providers)
    except LinkError as error:
        yield from str(error).splitlines()
    try:
        run_export(component)
    except LinkError as error:
        if not serves(component):
            yield str(error)


class Homes:
    """Which interfaces define a type of this name: the others `use` it from there."""

    def __init__(self) -> None:
        self._interfaces: dict[tuple[str, Type], list[str]] = {}

    def add(self, interface: str, name: str, t: Type) -> None:
        self._interfaces.setdefault((name, t), []).append(interface)

    def find(self, interface: str, name: str, t: Type) -> str | None:
        """The interface that `interface` uses the type from: one of its own version, or of another package."""
        package, version = _package_and_version(interface)
        for home in self._interfaces.get((name, t), ()):
            other, other_version = _package_and_version(home)
            if version == other_version or package != other:
                return home
        return None


def _package_and_version(interface: str) -> tuple[str, str]:
    name, _, version = interface.partition("@")
    return name.partition("/")[0], version


class Printer:
    """One imported or exported interface as WIT; `scope` has all types that it may name, if there are others."""

    def __init__(
        self, name: str, interface: types.Interface, homes: Homes, mark: Mark, scope: types.Interface | None = None
    ) -> None:
        self._name = name
        self._interface = interface
        self._homes = homes
        self._mark = mark
        self._names: dict[Type, str] = {}
        for type_name, t in (scope or interface).types.items():
            if not isinstance(t, types.Primitive):
                self._names.setdefault(t, type_name)

    def signature(self, name: str, func: types.Func) -> str:
        """A function without its mark."""
        match = _MEMBER.fullmatch(name)
        form, _, member = match.groups() if match else ("", "", name)
        return self._function(form, member, func)

    def definition(self, name: str, t: Type) -> str:
        """A type as WIT defines it, on one line."""
        return " ".join(line.strip() for line in self._definition(name, t))

    def lines(self, word: str) -> Iterator[str]:
        if self._name:
            yield f"{word} {self._name} {{"
            yield from (f"  {line}" for line in (*self._definitions(), *self._functions("")))
            yield from ("}", "")
        else:
            definitions = list(self._definitions())
            if definitions:
                yield from (*definitions, "")
            for line in self._functions(""):
                yield from (f"{word} {line}", "")

    def _definitions(self) -> Iterator[str]:
        homes = {name: self._homes.find(self._name, name, t) for name, t in self._interface.types.items()}
        for home in dict.fromkeys(filter(None, homes.values())):
            yield f"use {home}.{{{', '.join(name for name in homes if homes[name] == home)}}};"
        own = {name: t for name, t in self._interface.types.items() if homes[name] is None}
        for name, t in sorted(own.items(), key=lambda item: isinstance(item[1], types.Resource)):
            self._homes.add(self._name, name, t)
            yield from self._definition(name, t)

    # ---- types

    def _definition(self, name: str, t: Type) -> Iterator[str]:
        if self._names.get(t, name) != name:
            yield f"type {name} = {self._names[t]};"
        elif isinstance(t, types.Resource):
            yield from self._resource(name)
        elif isinstance(t, types.Nominal):
            yield from _block(f"{_word(t)} {name}", self._parts(t))
        else:
            yield f"type {name} = {self._structure(t)};"

    def _resource(self, name: str) -> Iterator[str]:
        functions = list(self._functions(name))
        if functions:
            yield f"resource {name} {{"
            yield from (f"  {line}" for line in functions)
            yield "}"
        else:
            yield f"resource {name};"

    def _parts(self, t: types.Nominal) -> list[str]:
        match t:
            case types.Record(fields=fields):
                return [f"{name}: {self._text(field)}" for name, field in fields]
            case types.Variant(cases=cases):
                return [name if payload is None else f"{name}({self._text(payload)})" for name, payload in cases]
            case types.Enum(names=names) | types.Flags(names=names):
                return list(names)

    def _text(self, t: ValType) -> str:
        return self._names.get(t) or self._structure(t)

    def _structure(self, t: ValType) -> str:
        """A type without its own name."""
        match t:
            case types.Primitive(name=name):
                return name
            case types.Own(resource=resource):
                return self._names.get(resource, resource.name)
            case types.Borrow(resource=resource):
                return f"borrow<{self._names.get(resource, resource.name)}>"
            case types.Record() | types.Variant() | types.Enum() | types.Flags():
                return f"{_word(t)} {{ {', '.join(self._parts(t))} }}"
            case types.Result(ok=None, err=err) if err is not None:
                return f"result<_, {self._text(err)}>"
        inner = ", ".join(self._text(child) for child in types.children(t))
        return f"{_word(t)}<{inner}>" if inner else _word(t)

    # ---- functions

    def _functions(self, resource: str) -> Iterator[str]:
        """The functions of a resource, or those of the interface itself for ''."""
        for name, func in self._interface.funcs.items():
            match = _MEMBER.fullmatch(name)
            form, owner, member = match.groups() if match else ("", "", name)
            if owner == resource:
                mark = self._mark(self._name, name, func)
                text = self._function(form, member, func)
                yield f"{text:<{MARK_COLUMN}}  // {mark}" if mark else text

    def _function(self, form: str, name: str | None, func: types.Func) -> str:
        params = func.params[form == "method" :]  # without `self`
        words = [f"{param}: {self._text(t)}" for param, t in params]
        arrow = "" if func.result is None else f" -> {self._text(func.result)}"
        if form == "constructor":
            return f"constructor({', '.join(words)}){'' if isinstance(func.result, types.Own) else arrow};"
        kind = f"{'static ' if form == 'static' else ''}{'async ' if func.is_async else ''}func"
        return f"{name}: {kind}({', '.join(words)}){arrow};"


_MEMBER = re.compile(r"\[(method|static|constructor)\]([^.]+)(?:\.(.+))?")


def _word(t: ValType) -> str:
    return type(t).__name__.lower()


def _block(head: str, parts: list[str]) -> Iterator[str]:
    line = f"{head} {{ {', '.join(parts)} }}"
    if len(line) <= WIDTH:
        yield line
    else:
        yield f"{head} {{"
        yield from (f"  {part}," for part in parts)
        yield "}"
