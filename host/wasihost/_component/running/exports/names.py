"""The Python names of exports, as attributes of `Instance.exports` and of a guest's resources."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from wasihost._base.nearest import did_you_mean
from wasihost._base.quoting import some
from wasihost._component.running.exports.resources import GuestResource
from wasihost._component.values import camel_case, function_name, member_of, method_name, snake_case
from wasihost._component.world import types, versions
from wasihost._component.world.wiring import Called

Tree: TypeAlias = "dict[str, str | Tree]"
"""The path of each function by its name, below the names of interfaces and resources."""


def interface_names(exports: Iterable[str], functions: Iterable[str] = ()) -> dict[str, str]:
    """The attribute of each exported interface: `store`, or `kv_store` if another package has a `store` too.

    Of several versions the newest has the plain name; the others get underscores, and so does one that is called as one
    of the `functions` outside of any interface.
    """
    taken = {function_name(name) for name in functions}
    interfaces = [name for name in exports if name]
    packages: dict[str, set[str]] = {}
    for interface in interfaces:
        package, name = _package_and_name(interface)
        packages.setdefault(name, set()).add(package)
    found: dict[str, str] = {}
    for interface in sorted(interfaces, key=versions.age, reverse=True):
        package, name = _package_and_name(interface)
        words = snake_case(f"{package.rpartition(':')[2]}-{name}" if len(packages[name]) > 1 else name)
        while words in taken:
            words += "_"
        taken.add(words)
        found[interface] = words
    return found


def _package_and_name(interface: str) -> tuple[str, str]:
    package, _, name = interface.partition("@")[0].rpartition("/")
    return package, name


def tree(called: Iterable[Called]) -> Tree:
    """Of all exports of a component. A constructor is called `new`."""
    found: Tree = {}
    called = list(called)
    names = interface_names(
        dict.fromkeys(each.interface for each in called), [each.name for each in called if not each.interface]
    )
    for each in called:
        home = _below(found, names[each.interface]) if each.interface else found
        form, resource, own = member_of(each.name)
        if not form:
            home[function_name(own)] = each.path
        elif form != "method":
            of_resource = _below(home, camel_case(resource))
            name = method_name(own or "new")
            while name in of_resource:  # a static function may be called new, too
                name += "_"
            of_resource[name] = each.path
    return found


def _below(tree: Tree, name: str) -> Tree:
    found = tree.setdefault(name, {})
    assert not isinstance(found, str)
    return found


def methods(called: Iterable[Called]) -> dict[types.Resource, dict[str, str]]:
    """The paths of the methods of each resource of the guest, by name."""
    found: dict[types.Resource, dict[str, str]] = {}
    for each in called:
        form, _, own = member_of(each.name)
        if form == "method":
            _, this = each.func.params[0]
            assert isinstance(this, types.Borrow)
            name = method_name(own)
            if hasattr(GuestResource, name):  # as stubs have it
                name += "_"
            found.setdefault(this.resource, {})[name] = each.path
    return found


class Exported:
    """Exports as attributes: `exports.api.divide(7, 2)`, and `exports.api.Counter.new(1)` for a resource."""

    def __init__(self, call: Callable[..., Any], tree: Tree, name: str = "exports") -> None:
        self._call = call
        self._tree = tree
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = self._tree.get(name)
        if found is None:
            if name.startswith("_"):  # which libraries look for
                raise AttributeError(name)
            hint = did_you_mean(name, self._tree) or f"; it has {some(sorted(self._tree)) or 'nothing'}"
            raise AttributeError(f"{self._name} has no {name!r}{hint}")
        if isinstance(found, str):
            made: Any = functools.partial(self._call, found)
        else:
            made = Exported(self._call, found, f"{self._name}.{name}")
        self.__dict__[name] = made
        return made

    def __dir__(self) -> list[str]:
        return sorted(self._tree)

    def __repr__(self) -> str:
        return f"<{self._name}: {some(sorted(self._tree)) or 'nothing'}>"
