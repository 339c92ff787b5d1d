"""Writes the module: types, then the resources of the guest, then Protocols for imports and classes for exports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from wasihost._base.quoting import python_string
from wasihost._commands.inspection import Homes, Printer
from wasihost._commands.stubs.annotations import Annotations, Way, ways
from wasihost._commands.stubs.classes import ClassWriter
from wasihost._commands.stubs.folding import folded
from wasihost._commands.stubs.naming import (
    Names,
    class_name,
    docstring,
    identifier,
    interface_name,
    parameters,
    unique,
)
from wasihost._component.running.exports.names import interface_names
from wasihost._component.running.exports.resources import GuestResource
from wasihost._component.values import function_name, member_of, method_name
from wasihost._component.world import types
from wasihost._component.world.types import Func, Interface, Resource, ValType
from wasihost._component.world.wiring import Wiring

_OF_RESOURCES = [name for name in dir(GuestResource) if not name.startswith("_")]


class Writer:
    """Writes the module of one component."""

    def __init__(self, wiring: Wiring, title: str, left_out: Callable[[str], bool], is_sync: bool) -> None:
        world = wiring.world
        self._is_sync = is_sync
        self._wiring = wiring
        self._title = title
        self._imports = {
            name: interface
            for name, interface in world.imports.items()
            if name not in wiring.native and interface.items and not left_out(name)
        }
        self._exports = {name: interface for name, interface in world.exports.items() if interface.items}
        self._names = Names(types.World(self._imports, self._exports))
        self._classes: dict[Resource | ValType, str] = {}
        self._homes: dict[Resource | ValType, tuple[str, str, Interface]] = {}
        self._interfaces: dict[tuple[bool, str], str] = {}
        self._name_all()
        self._annotate = Annotations(self._names, self._classes)

    # ---- names

    def _name_all(self) -> None:
        names = [*self._imports, *self._exports]
        count = Counter(interface_name(name, False) for name in dict.fromkeys(names))
        for exported, interfaces in ((False, self._imports), (True, self._exports)):
            for name in interfaces:
                plain = interface_name(name, count[interface_name(name, False)] > 1)
                self._interfaces[exported, name] = self._names.new_class(plain + ("" if exported else "Provider"))
        for name, interface in (*self._imports.items(), *self._exports.items()):
            for type_name, t in interface.types.items():
                if isinstance(t, Resource | types.Nominal) and t not in self._classes:
                    host = isinstance(t, Resource) and t not in self._wiring.guest_resources
                    self._classes[t] = self._names.new_class(class_name(type_name) + ("Resource" if host else ""))
                    self._homes[t] = name, type_name, interface

    # ---- the module

    def text(self) -> str:
        """All of it."""
        blocks = ["\n".join(each for line in block for each in folded(line)) for block in self._blocks()]
        imports = list(self._names.imports())
        head = [
            docstring(self._title, ""),
            "",
            "from __future__ import annotations",
            *([""] if imports else []),
            *imports,
        ]
        return "\n\n\n".join(["\n".join(head), *blocks]) + "\n"

    def _blocks(self) -> Iterator[list[str]]:
        writer = ClassWriter(self._names, self._annotate)
        directions = ways(self._wiring)
        for t, (home, name, interface) in self._homes.items():
            if isinstance(t, types.Nominal):
                wit = _printer(home, interface).definition(name, t)
                yield list(writer.lines(self._classes[t], t, wit, directions.get(t, Way.GIVEN | Way.GOT)))
        for t, (home, name, interface) in self._homes.items():
            if isinstance(t, Resource):
                own = t in self._wiring.guest_resources
                yield list((self._guest_resource if own else self._host_resource)(t, home, name, interface))
        for home, interface in self._imports.items():
            if interface.funcs or any(isinstance(t, Resource) for t in interface.types.values()):
                yield list(self._provider(home, interface))
        for home in filter(None, self._exports):
            yield list(self._export(home, self._wiring.world.exported(home)))
        if self._exports:
            yield list(self._world())

    # ---- imports

    def _provider(self, name: str, interface: Interface) -> Iterator[str]:
        yield f"class {self._interfaces[False, name]}({self._names.of('Protocol')}):"
        yield docstring(f"Provider of {name or 'what the world imports'}: inherit from it.", "    ")
        yield from self._wit_types("wit_types", interface)
        resources = [(type_name, t) for type_name, t in interface.types.items() if isinstance(t, Resource)]
        if resources:
            yield ""
        for type_name, t in resources:
            yield f"    {class_name(type_name)}: {self._names.of('type')}[{self._classes[t]}]"
        for func_name, func in interface.funcs.items():
            form, _, member = member_of(func_name)
            if not form:
                yield from self._stub(name, interface, func_name, function_name(member), func, "self")

    def _host_resource(self, t: Resource, name: str, type_name: str, interface: Interface) -> Iterator[str]:
        provider = self._interfaces.get((False, name)) or self._names.of("Any")
        yield f"class {self._classes[t]}({self._names.of('Protocol')}):"
        made = next((f for n, f in interface.funcs.items() if member_of(n)[:2] == ("constructor", type_name)), None)
        words = f", made by {class_name(type_name)}({', '.join(['provider', *parameters(made)])})" if made else ""
        home = f"{name or 'the world'}{words}"
        yield docstring(f"The resource {type_name} of {home}; drop(), if there is one, ends it.", "    ")
        for func_name, func in interface.funcs.items():
            form, resource, member = member_of(func_name)
            if resource == type_name and form == "method":
                yield from self._stub(name, interface, func_name, method_name(member), func, "self", 1)
            elif resource == type_name and form == "static":
                yield ""
                yield f"    @{self._names.of('staticmethod')}"
                method = method_name(member)
                yield from list(self._stub(name, interface, func_name, method, func, f"_provider: {provider}"))[1:]

    def _stub(
        self, name: str, interface: Interface, func_name: str, member: str, func: Func, first: str, skip: int = 0
    ) -> Iterator[str]:
        yield ""
        yield f"    {self._head(identifier(member), func, first, skip, Way.GOT, func.is_async)}"
        yield docstring(self._documented(name, interface, func_name, func), "        ")
        yield "        ..."

    # ---- exports

    def _export(self, name: str, interface: Interface) -> Iterator[str]:
        yield f"class {self._interfaces[True, name]}({self._names.of('Exports')}):"
        yield docstring(f"{name}, of an instance.", "    ")
        yield ""
        yield f"    _interface = {python_string(name)}"
        yield from self._wit_types("_wit_types", interface)
        yield from self._functions(name, interface)

    def _world(self) -> Iterator[str]:
        """The class for `Host.open(exports=...)`."""
        own = self._exports.get("")
        cls = self._interfaces.get((True, "")) or self._names.new_class("World")
        yield f"class {cls}({self._names.of('Exports')}):"
        how = "open_sync" if self._is_sync else "open"
        yield docstring(f"What the component exports, for `Host.{how}(component, exports=...)`.", "    ")
        if own is not None:
            yield from self._wit_types("_wit_types", self._wiring.world.exported(""))
        for home, attribute in interface_names(self._exports, own.funcs if own else ()).items():
            cls = self._interfaces[True, home]
            yield ""
            yield f"    @{self._names.of('cached_property')}"
            yield f"    def {identifier(attribute)}(self) -> {cls}:"
            yield docstring(f"{home}.", "        ")
            yield f"        return {cls}(self._instance)"
        if own is not None:
            yield from self._functions("", own)

    def _functions(self, name: str, interface: Interface) -> Iterator[str]:
        for func_name, func in interface.funcs.items():
            form, _, member = member_of(func_name)
            if not form and self._wiring.can_call(func):
                yield from self._caller(name, interface, func_name, identifier(function_name(member)), func, "self")

    def _guest_resource(self, t: Resource, name: str, type_name: str, interface: Interface) -> Iterator[str]:
        api = f"{self._names.of('Exports')}"
        taken = list(_OF_RESOURCES)
        yield f"class {self._classes[t]}({self._names.of('GuestResource')}):"
        yield docstring(f"The resource {type_name} of {name}; `close` drops it.", "    ")
        for func_name, func in interface.funcs.items():
            form, resource, member = member_of(func_name)
            if resource != type_name or not self._wiring.can_call(func):
                continue
            taken.append(unique(identifier(method_name(member or "new")), taken))
            if form == "method":
                yield from self._caller(name, interface, func_name, taken[-1], func, "self", 1)
            else:
                lines = list(self._caller(name, interface, func_name, taken[-1], func, f"_exports: {api}"))
                yield from ("", f"    @{self._names.of('staticmethod')}", *lines[1:])

    def _caller(
        self, name: str, interface: Interface, func_name: str, member: str, func: Func, first: str, skip: int = 0
    ) -> Iterator[str]:
        receiver = first.partition(":")[0]
        path = f"{name}#{func_name}" if name else func_name
        given = ["self"] * skip + parameters(func, skip)
        yield ""
        yield f"    {self._head(member, func, first, skip, Way.GIVEN, not self._is_sync)}"
        yield docstring(self._documented(name, interface, func_name, func), "        ")
        words = ", ".join([python_string(path), *given])
        if not self._is_sync:
            yield f"        return await {receiver}._call({words})"
        else:
            gives = "" if _returned(func) is None else "return "  # a plain function that gives None returns nothing
            yield f"        {gives}{receiver}._call_now({words})"

    # ---- parts of both

    def _documented(self, name: str, interface: Interface, func_name: str, func: Func) -> str:
        signature = _printer(name, interface).signature(func_name, func).rstrip(";")
        if not isinstance(func.result, types.Result):
            return f"WIT: `{signature}`"
        err = "" if func.result.err is None else self._annotate(func.result.err, Way.GOT)
        return f"WIT: `{signature}`; an err is `WitError({err})`"

    def _head(self, name: str, func: Func, first: str, skip: int, way: Way, is_async: bool) -> str:
        back = Way.GOT if way is Way.GIVEN else Way.GIVEN
        params = [
            f"{param}: {self._annotate(t, way)}"
            for param, (_, t) in zip(parameters(func, skip), func.params[skip:], strict=True)
        ]
        result = self._annotate(_returned(func), back)
        return f"{'async ' if is_async else ''}def {name}({', '.join([first, *params, '/'])}) -> {result}:"

    def _wit_types(self, attribute: str, interface: Interface) -> Iterator[str]:
        """The classes that the machine is to use, by WIT name."""
        found: dict[Resource | ValType, str] = {}
        for name, t in interface.types.items():
            if isinstance(t, types.Nominal) or t in self._wiring.guest_resources:
                found.setdefault(t, name)
        if found:
            of = self._names.of
            yield ""
            yield f"    {attribute}: {of('ClassVar')}[{of('Mapping')}[{of('str')}, {of('Any')}]] = {{"
            yield from (f"        {python_string(name)}: {self._classes[t]}," for t, name in found.items())
            yield "    }"


def _returned(func: Func) -> ValType | None:
    """What a call gives; err is raised."""
    return func.result.ok if isinstance(func.result, types.Result) else func.result


def _printer(name: str, interface: Interface) -> Printer:
    return Printer(name, interface, Homes(), lambda *_: "")
