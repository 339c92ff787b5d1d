"""The two sides of a call: who sends handles in values, and who takes and compares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tests.abi.shapes import same, with_handles
from tests.abi.sources import in_chunks, later, one_by_one
from tests.abi.worlds.trial import Elements
from tests.abi.worlds.world import Interface, Way
from wasihost._component.instance import Instance
from wasihost._component.running.exports.resources import GuestResource
from wasihost._component.world import types
from wasihost._component.world.types import ValType


class Thing:
    """A resource of a provider; each resource has a class of its own below it."""


class Things(Protocol):
    """Where objects of resources come from."""

    def make(self, resource: types.Resource) -> tuple[Any, Any]:
        """An object, and what `tell` gives for it."""

    async def tell(self, resource: types.Resource, obj: Any) -> Any:
        """What an object is known by."""


class HostThings:
    """Objects of a provider, which are themselves on either side."""

    def __init__(self, classes: Mapping[types.Resource, type[Thing]]) -> None:
        self.classes = classes

    def make(self, resource: types.Resource) -> tuple[Thing, Thing]:
        thing = self.classes[resource]()
        return thing, thing

    async def tell(self, resource: types.Resource, obj: Any) -> Any:
        return obj


class GuestThings:
    """Objects that the guest makes of numbers, see `Way.MAKES` and `Way.TELLS`."""

    def __init__(self, instance: Instance, interface: Interface) -> None:
        self._instance = instance
        self._paths = {
            (function.way, interface.resources[function.owner]): interface.path(function)
            for function in interface.functions
            if function.form
        }
        self._stock: list[tuple[GuestResource, int]] = []
        self._objects: list[GuestResource] = []

    async def prepare(self, t: ValType, value: Any) -> None:
        """Makes beforehand what a value needs."""
        needed: list[types.Resource] = []
        with_handles(t, value, lambda leaf, _: needed.append(leaf.resource) if isinstance(leaf, _HELD) else None)
        for number, resource in enumerate(needed, start=len(self._objects)):
            made = await self._instance.call(self._paths[Way.MAKES, resource], number)
            self._stock.append((made, number))
            self._objects.append(made)

    def make(self, resource: types.Resource) -> tuple[GuestResource, int]:
        return self._stock.pop(0)

    async def tell(self, resource: types.Resource, obj: Any) -> Any:
        self._objects.append(obj)
        return await self._instance.call(self._paths[Way.TELLS, resource], obj)

    def close(self) -> None:
        for made in self._objects:
            made.close()


_HELD = types.Own | types.Borrow


class Side:
    """What one side sends and the other takes: values, and in their order the handles in them."""

    def __init__(self, elements: Elements, things: Things) -> None:
        self._elements, self._things = elements, things
        self.sent: list[tuple[ValType, Any]] = []
        self._taken: list[Any] = []

    def send(self, t: ValType, value: Any) -> Any:
        """The value with something in place of each number that stands for a handle."""
        return with_handles(t, value, self._make)

    def take(self, t: ValType, value: Any) -> Any:
        """The value with 0 for each handle."""
        return with_handles(t, value, self._take)

    def _make(self, t: ValType, n: int) -> Any:
        match t:
            case types.Own(resource=resource) | types.Borrow(resource=resource):
                thing, known_by = self._things.make(resource)
                self.sent.append((t, known_by))
                return thing
            case types.Stream(payload=payload):
                elements = [self._element(payload, each) for each in self._elements[payload][: n % 4]]
                self.sent.append((t, elements))
                return in_chunks([[each] for each in elements]) if payload == types.U8 else one_by_one(elements)
            case types.Future(payload=payload):
                element = self._element(payload, self._elements[payload][n % 3])
                self.sent.append((t, element))
                return later(element)
        raise AssertionError(t)

    def _element(self, payload: ValType | None, value: Any) -> Any:
        if payload is None:
            return None
        return with_handles(payload, value, lambda t, _: self._things.make(t.resource)[0])  # type: ignore[union-attr]

    def _take(self, t: ValType, handle: Any) -> int:
        self._taken.append(handle)
        return 0

    async def compare(self, where: str) -> None:
        """Reads the streams and futures that were taken; they carry what was sent."""
        assert len(self._taken) == len(self.sent), f"{where}: sent {self.sent}, got {self._taken}"
        for (t, sent), handle in zip(self.sent, self._taken, strict=True):
            got: Any = None
            match t:
                case types.Stream(payload=payload):
                    got = []
                    while some := await handle.read(2):
                        got += some
                    equal = len(got) == len(sent) and all(same(payload, *each) for each in zip(got, sent, strict=True))
                case types.Future(payload=payload):
                    got = await handle
                    equal = same(payload, got, sent)
                case types.Own(resource=resource) | types.Borrow(resource=resource):
                    got = await self._things.tell(resource, handle)
                    equal = got == sent
                case _:
                    raise AssertionError(t)
            assert equal, f"{where}, {type(t).__name__.lower()}: sent {sent}, got {got}"
