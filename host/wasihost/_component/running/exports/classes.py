"""Of which classes the values of exports are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wasihost._base.errors import LinkError
from wasihost._base.quoting import line, some
from wasihost._component.conversion.plans import LatePlans, Plans
from wasihost._component.running.exports.resources import GuestResource
from wasihost._component.running.imports.linking import Linking
from wasihost._component.values import Classes
from wasihost._component.world import types, versions

MOST_KEPT = 16
"""Interfaces with classes of an embedder's own whose plans are kept; classes may be made for each request."""


class InterfacePlans(dict[str, Plans]):
    """Plans by exported interface, each made when it is first needed."""

    def __init__(self, make: Callable[[str], Plans]) -> None:
        self._make = make

    def __missing__(self, interface: str) -> Plans:
        found = self[interface] = self._make(interface)
        return found

    def with_other(self, interface: str, plans: Plans) -> InterfacePlans:
        """The same, but for one interface."""
        found = InterfacePlans(self._make)
        found.update(self)
        found[interface] = plans
        return found


class ExportPlans:
    """The plans for generated classes, which all instances share."""

    def __init__(self, linking: Linking) -> None:
        self.linking = linking
        self._world = linking.wiring.world
        self.values = InterfacePlans(lambda name: linking.plans_of(linking.export_classes[name], "driver_lists"))
        self.elements = InterfacePlans(lambda name: linking.plans_of(linking.export_classes[name]))
        """Those for elements of streams and futures."""
        self._own: dict[tuple[Any, ...], tuple[Plans, Plans]] = {}

    def of_types(self, interface: str, wit_types: Mapping[str, Any]) -> tuple[Plans, Plans]:
        """Both for classes of an embedder's own, made once for all instances. Errors: LinkError."""
        key = (interface, *wit_types.items())
        found = self._own.get(key)
        if found is None:
            classes = Classes(self._world.exported(interface), wit_types)
            found = self.linking.plans_of(classes, "driver_lists"), self.linking.plans_of(classes)
            if len(self._own) >= MOST_KEPT:
                del self._own[next(iter(self._own))]
            self._own[key] = found
        return found

    def of_values(self, interface: str) -> LatePlans:
        """What reads values of the classes that an instance has at the moment."""
        return LatePlans(lambda machine: machine.guest_calls.classes.values[interface], lambda: self.values[interface])

    def of_elements(self, interface: str) -> LatePlans:
        """The same for elements of streams and futures."""
        return LatePlans(
            lambda machine: machine.guest_calls.classes.elements[interface], lambda: self.elements[interface]
        )


class ExportClasses:
    """The classes of one instance: generated ones, until `use_types` gives others."""

    def __init__(self, shared: ExportPlans) -> None:
        self._shared = shared
        self._linking = shared.linking
        self._world = shared.linking.wiring.world
        self.values = shared.values
        self.elements = shared.elements
        self._resources: dict[types.Resource, type[GuestResource]] = {}

    def of_resource(self, resource: types.Resource) -> type[GuestResource]:
        """The class of a resource that the guest defines."""
        return self._resources.get(resource, GuestResource)

    def use_types(self, interface: str, wit_types: Mapping[str, Any]) -> None:
        """What comes back from this interface is of these classes from now on."""
        name = self._interface(interface)
        try:
            values, elements = self._shared.of_types(name, wit_types)
        except LinkError as error:
            raise LinkError(f"{name}: {error}") from None
        self.values = self.values.with_other(name, values)
        self.elements = self.elements.with_other(name, elements)
        for type_name, t in self._world.exports[name].types.items():
            cls = wit_types.get(type_name)
            if isinstance(t, types.Resource) and t in self._linking.wiring.guest_resources and cls is not None:
                if not issubclass(cls, GuestResource):
                    raise LinkError(
                        f"{name}: {cls.__qualname__} cannot be used for {type_name}: it is no GuestResource"
                    )
                self._resources[t] = cls

    def _interface(self, name: str) -> str:
        found = versions.find(name, self._world.exports)
        if found is None:
            known = some(list(self._world.exports)) or "nothing"
            raise LookupError(line(f"the component does not export {name!r}; it exports {known}"))
        return found
