"""Runs a generated world: sends values through every function of it, and compares what arrives on either side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.abi.running import assemble, running
from tests.abi.shapes import same, with_handles, without_handles
from tests.abi.worlds import Function, Interface, World, guest
from tests.strategies import values
from wasihost.commands import stubs
from wasihost.commands.inspection import Inspection
from wasihost.component.running.instance import Instance
from wasihost.component.values import Classes, Err, Ok, WitError, camel_case, snake_case
from wasihost.component.world import types
from wasihost.component.world.types import ValType


class Thing:
    """A resource of a provider; each resource has a class of its own below it."""


Elements = dict[ValType | None, list[Any]]
"""What streams and futures of a payload carry, in turn."""


class Side:
    """What one side sends and the other takes: values, and in their order the handles in them."""

    def __init__(self, elements: Elements, classes: dict[types.Resource, type[Thing]]) -> None:
        self._elements, self._classes = elements, classes
        self.sent: list[tuple[ValType, Any]] = []
        self.taken: list[Any] = []

    def send(self, t: ValType, value: Any) -> Any:
        return with_handles(t, value, self._make)

    def take(self, t: ValType, value: Any) -> Any:
        """The value with 0 for each handle."""
        return with_handles(t, value, self._take)

    def _make(self, t: ValType, n: int) -> Any:
        match t:
            case types.Own(resource=resource) | types.Borrow(resource=resource):
                thing = self._classes[resource]()
                self.sent.append((t, thing))
                return thing
            case types.Stream(payload=payload):
                elements = self._elements[payload][: n % 4]
                self.sent.append((t, elements))
                return _chunks(elements) if payload == types.U8 else _one_by_one(elements)
            case types.Future(payload=payload):
                element = self._elements[payload][n % 3]
                self.sent.append((t, element))
                return _later(element)
        raise AssertionError(t)

    def _take(self, t: ValType, handle: Any) -> int:
        self.taken.append(handle)
        return 0

    async def compare(self, where: str) -> None:
        """Reads the streams and futures that were taken; they carry what was sent."""
        assert len(self.taken) == len(self.sent), where
        for (t, sent), handle in zip(self.sent, self.taken, strict=True):
            match t:
                case types.Stream(payload=payload):
                    found: list[Any] = []
                    while some := await handle.read(2):
                        found += some
                    assert len(found) == len(sent), f"{where}: a stream gave {found}, not {sent}"
                    assert all(map(lambda a, b, p=payload: same(p, a, b), found, sent)), f"{where}: {found}, not {sent}"
                case types.Future(payload=payload):
                    element = await handle
                    assert same(payload, element, sent), f"{where}: a future gave {element}, not {sent}"
                case _:
                    assert handle is sent, f"{where}: {handle} is not {sent}"


async def _one_by_one(elements: Sequence[Any]) -> AsyncIterator[Any]:
    for element in elements:
        await asyncio.sleep(0)
        yield element


async def _chunks(elements: Sequence[int]) -> AsyncIterator[bytes]:
    for element in elements:
        await asyncio.sleep(0)
        yield bytes([element])


async def _later(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


class Sample:
    """What goes through one function: its arguments, its result, handles being numbers."""

    def __init__(self, args: Sequence[Any], result: Any) -> None:
        self.args, self.result = args, result


def elements(data: st.DataObject, world: World) -> Elements:
    """What each kind of stream and future of a world carries."""
    found: Elements = {}
    for t in _all_types(world):
        if isinstance(t, types.Stream | types.Future) and t.payload not in found:
            one = st.none() if t.payload is None else values(t.payload, _CLASSES)
            found[t.payload] = data.draw(st.lists(one, min_size=3, max_size=3))
    return found


def sample(data: st.DataObject, function: Function) -> Sample:
    args = [data.draw(values(without_handles(t), _CLASSES)) for _, t in function.func.params]
    result = function.func.result
    return Sample(args, None if result is None else data.draw(values(without_handles(result), _CLASSES)))


_CLASSES = Classes(types.Interface({}))


def _all_types(world: World) -> list[ValType]:
    return [
        inner
        for interface in world.interfaces
        for function in interface.functions
        for t in function.func.types
        for inner in types.walk(t)
    ]


class Run:
    """Providers for a world and the samples that go through it."""

    def __init__(self, world: World, samples: dict[tuple[str, str], Sample], elements: Elements) -> None:
        self._world, self._samples, self._elements = world, samples, elements
        self._classes = {r: type(camel_case(r.name), (Thing,), {}) for r in self._resources()}
        self._inward: Side
        self._outward: Side
        self._given: tuple[Any, ...] = ()

    def _resources(self) -> list[types.Resource]:
        return [t for i in self._world.interfaces for t in i.types.values() if isinstance(t, types.Resource)]

    def providers(self) -> dict[str, object]:
        return {interface.name: self._provider(interface) for interface in self._world.interfaces}

    def _provider(self, interface: Interface) -> object:
        provider = type("Provider", (), {})()
        for name, t in interface.types.items():
            if isinstance(t, types.Resource):
                setattr(provider, camel_case(name), self._classes[t])
        for function in interface.functions:
            self._add(provider, interface, function)
        return provider

    def _add(self, provider: Any, interface: Interface, function: Function) -> None:
        sample = self._samples[interface.name, function.name]
        method: Callable[..., Any]
        match function.form:
            case "":
                method = self._method(function, sample)
                setattr(provider, snake_case(function.name), method)
                return
            case "constructor":
                cls = self._classes[self._owner(interface, function)]
                method = self._method(function, sample)

                def construct(this: Thing, *args: Any) -> None:
                    # Made by the guest with the provider first, by the other side of this test with nothing.
                    if args:
                        method(*args[1:])
                        self._outward.sent[-1] = (self._outward.sent[-1][0], this)

                cls.__init__ = construct  # type: ignore[assignment, misc]
            case form:
                cls = self._classes[self._owner(interface, function)]
                method = self._method(function, sample, skip=form == "static")
                member = snake_case(function.name.partition(".")[2])
                setattr(cls, member, staticmethod(method) if form == "static" else method)

    def _owner(self, interface: Interface, function: Function) -> types.Resource:
        owner = interface.types[function.name.partition("]")[2].partition(".")[0]]
        assert isinstance(owner, types.Resource)
        return owner

    def _method(self, function: Function, sample: Sample, skip: bool = False) -> Callable[..., Any]:
        """What takes the arguments, `skip` the first of them, and gives the result."""
        result = function.func.result

        def give(*args: Any) -> Any:
            self._given = tuple(
                self._inward.take(t, x) for (_, t), x in zip(function.func.params, args[skip:], strict=True)
            )
            found = None if result is None else self._outward.send(result, sample.result)
            if isinstance(result, types.Result):
                if isinstance(found, Err):
                    raise WitError(found.value)
                return found.value
            return found

        async def wait(*args: Any) -> Any:
            await asyncio.sleep(0)
            return give(*args)

        return wait if function.is_slow else give

    async def call(self, instance: Instance, interface: Interface, function: Function) -> None:
        """Sends a sample through one function."""
        func, sample = function.func, self._samples[interface.name, function.name]
        where = f"{interface.name}#{function.export}"
        self._inward, self._outward = Side(self._elements, self._classes), Side(self._elements, self._classes)
        args = [self._inward.send(t, x) for (_, t), x in zip(func.params, sample.args, strict=True)]
        found: Any
        try:
            found = await instance.call(where, *args)
            found = Ok(found) if isinstance(func.result, types.Result) else found
        except WitError as error:
            found = Err(error.value)
        for (_, t), sent, got in zip(func.params, sample.args, self._given, strict=True):
            assert _equal(t, sent, got), f"{where}: the provider got {got}, not {sent}"
        if func.result is None:
            assert found is None, where
        else:
            got = self._outward.take(func.result, found)
            assert _equal(func.result, sample.result, got), f"{where} gave {got}, not {sample.result}"
        await self._inward.compare(f"{where}, parameters")
        await self._outward.compare(f"{where}, result")


def _equal(t: ValType, sent: Any, got: Any) -> bool:
    """Whether values are equal but for handles, of which the second has none."""
    return same(without_handles(t), with_handles(t, sent, lambda _t, _n: 0), got)


async def check(world: World, samples: dict[tuple[str, str], Sample], elements: Elements) -> None:
    """Sends the samples through a guest for the world; what is generated from it for people is sound too."""
    run = Run(world, samples, elements)
    component = assemble(guest(world))
    providers = run.providers()
    assert all("is not a command" in problem for problem in Inspection(component, providers).problems)
    exec(compile(stubs.write(component, "world"), "stub", "exec"), {"__name__": __name__})
    async with running(component, providers) as instance:
        for interface in world.interfaces:
            for function in interface.functions:
                await run.call(instance, interface, function)


def check_drawn(data: st.DataObject, world: World) -> None:
    carried = elements(data, world)
    samples = {(i.name, f.name): sample(data, f) for i in world.interfaces for f in i.functions}
    asyncio.run(check(world, samples, carried))
