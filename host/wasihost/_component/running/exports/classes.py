"""Of which classes the values of exports are."""

from __future__ import annotations

from collections.abc import Mapping

from wasihost._base.errors import LinkError
from wasihost._base.quoting import line, some
from wasihost._component.conversion.numbers import SharedNumbers
from wasihost._component.conversion.plans import LatePlans
from wasihost._component.running.exports.resources import GuestResource
from wasihost._component.running.imports.linking import Linking
from wasihost._component.values import Classes
from wasihost._component.world import types, versions


class ExportClasses:
    """The classes of one instance: generated ones, until `use_types` gives others."""

    def __init__(self, linking: Linking, numbers: SharedNumbers) -> None:
        self._linking = linking
        self._numbers = numbers
        self._world = linking.wiring.world
        self.plans = {name: self._late_plans(name, numbers) for name in self._world.exports}
        """The plans of each exported interface."""
        self.element_plans = {name: self._late_plans(name) for name in self._world.exports}
        """The same for elements of streams and futures."""
        self._resources: dict[types.Resource, type[GuestResource]] = {}

    def of_resource(self, resource: types.Resource) -> type[GuestResource]:
        """The class of a resource that the guest defines."""
        return self._resources.get(resource, GuestResource)

    def use_types(self, interface: str, wit_types: Mapping[str, type]) -> None:
        """What comes back from this interface is of these classes from now on."""
        name = self._interface(interface)
        try:
            classes = Classes(self._world.exported(name), wit_types)
        except LinkError as error:
            raise LinkError(f"{name}: {error}") from None
        self.plans[name].replace(self._linking.plans_of(classes, self._numbers))
        self.element_plans[name].replace(self._linking.plans_of(classes))
        for type_name, t in self._world.exports[name].types.items():
            cls = wit_types.get(type_name)
            if isinstance(t, types.Resource) and t in self._linking.wiring.guest_resources and cls is not None:
                if not issubclass(cls, GuestResource):
                    raise LinkError(f"{name}: {cls.__qualname__} cannot stand for {type_name}: it is no GuestResource")
                self._resources[t] = cls

    def _interface(self, name: str) -> str:
        found = versions.find(name, self._world.exports)
        if found is None:
            known = some(list(self._world.exports)) or "nothing"
            raise LookupError(line(f"the component does not export {name!r}; it exports {known}"))
        return found

    def _late_plans(self, interface: str, *numbers: SharedNumbers) -> LatePlans:
        return LatePlans(lambda: self._linking.plans_of(self._linking.export_classes[interface], *numbers))
