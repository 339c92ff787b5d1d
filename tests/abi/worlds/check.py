"""Sends values through every function of a world, and compares what arrives on either side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.abi.running import assemble, running
from tests.abi.shapes import same, with_handles, without_handles
from tests.abi.worlds.guest import guest
from tests.abi.worlds.sides import GuestThings, HostThings, Side, Thing
from tests.abi.worlds.trial import Sample, Trial
from tests.abi.worlds.world import Function, Interface, Way
from tests.processes import TIMEOUT_S
from wasihost._commands import stubs
from wasihost._commands.inspection import Inspection
from wasihost._component.instance import Instance
from wasihost._component.values import Err, Ok, WitError, camel_case, function_name, method_name
from wasihost._component.world import types
from wasihost._component.world.types import ValType


def check(trial: Trial) -> None:
    """Raises what is wrong with a world on its way through the library."""
    asyncio.run(_check(trial))


async def _check(trial: Trial) -> None:
    component = assemble(guest(trial.world), windowed=[interface.name for interface in trial.world.interfaces])
    exchange = Exchange(trial)
    # What is generated from the world for people is sound too.
    assert all("is not a command" in problem for problem in Inspection(component, exchange.providers).problems)
    exec(compile(stubs.write(component, "world"), "stub", "exec"), {"__name__": __name__})
    async with asyncio.timeout(TIMEOUT_S), running(component, exchange.providers) as instance:
        for interface in trial.world.everything:
            for function in interface.functions:
                await exchange.call(instance, interface, function)
    leaked = asyncio.all_tasks() - {asyncio.current_task()}
    assert not leaked, f"tasks that are left behind: {leaked}"


class Exchange:
    """Providers for a world, and calls of what the guest exports."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        resources = [r for interface in trial.world.interfaces for r in interface.resources.values()]
        self._things = HostThings({r: type(camel_case(r.name), (Thing,), {}) for r in resources})
        self.providers = {interface.name: self._provider(interface) for interface in trial.world.interfaces}
        self._begin()

    def _begin(self) -> None:
        """A call has nothing behind it yet."""
        self._inward, self._outward = Side(self._trial.elements, self._things), Side(self._trial.elements, self._things)
        self._given: tuple[Any, ...] = ()

    # ---- providers

    def _provider(self, interface: Interface) -> object:
        provider = type("Provider", (), {})()
        for name, resource in interface.resources.items():
            setattr(provider, camel_case(name), self._things.classes[resource])
        for function in interface.functions:
            sample = self._trial.samples[interface.path(function)]
            if not function.form:
                setattr(provider, function_name(function.name), self._method(function, sample))
            else:
                self._add_member(self._things.classes[interface.resources[function.owner]], function, sample)
        return provider

    def _add_member(self, cls: type[Thing], function: Function, sample: Sample) -> None:
        member = method_name(function.name.partition(".")[2])
        match function.form:
            case "method":
                setattr(cls, member, self._method(function, sample))
            case "static":
                setattr(cls, member, staticmethod(self._method(function, sample, skip=1)))
            case "constructor":
                method = self._method(function, sample)

                def construct(this: Thing, *args: Any) -> None:
                    # Made by the guest with the provider first, by this test with nothing.
                    if args:
                        method(*args[1:])
                        self._outward.sent[-1] = (self._outward.sent[-1][0], this)

                cls.__init__ = construct  # type: ignore[assignment]

    def _method(self, function: Function, sample: Sample, skip: int = 0) -> Callable[..., Any]:
        """What takes the arguments, but for the first ones, and gives the result."""
        params, result = function.func.params, function.func.result

        def give(*args: Any) -> Any:
            self._given = tuple(self._inward.take(t, x) for (_, t), x in zip(params, args[skip:], strict=True))
            found: Any = None if result is None else self._outward.send(result, sample.result)
            if not isinstance(result, types.Result):
                return found
            if isinstance(found, Err):
                raise WitError(found.value)
            return found.value

        async def wait(*args: Any) -> Any:
            await asyncio.sleep(0)
            return give(*args)

        return wait if function.is_slow else give

    # ---- calls

    async def call(self, instance: Instance, interface: Interface, function: Function) -> None:
        """Sends a sample through one function."""
        self._begin()
        sample = self._trial.samples[interface.path(function)]
        if function.way is Way.RETURNS:
            await self._call_own(instance, interface, function, sample)
        elif function.way not in (Way.MAKES, Way.TELLS):  # which the others need, and check
            await self._call_imported(instance, interface.path(function), function, sample)

    async def _call_imported(self, instance: Instance, path: str, function: Function, sample: Sample) -> None:
        """What the export is called with goes to the provider, and what that gives comes back."""
        params, result = function.func.params, function.func.result
        args = [self._inward.send(t, x) for (_, t), x in zip(params, sample.args, strict=True)]
        found: Any
        try:
            found = await instance.call(path, *args)
            found = Ok(found) if isinstance(result, types.Result) else found
        except WitError as error:
            found = Err(error.value)
        for (name, t), sent, got in zip(params, sample.args, self._given, strict=True):
            _compare(t, sent, got, f"{path}, {name}")
        if result is None:
            assert found is None, path
        else:
            _compare(result, sample.result, self._outward.take(result, found), f"{path}, result")
        await self._inward.compare(f"{path}, parameters")
        await self._outward.compare(f"{path}, result")

    async def _call_own(self, instance: Instance, interface: Interface, function: Function, sample: Sample) -> None:
        """The guest gives back all that was not lent to it."""
        path, result = interface.path(function), function.func.result
        assert isinstance(result, types.Tuple)
        things = GuestThings(instance, interface)
        lent, echoed = Side(self._trial.elements, things), Side(self._trial.elements, things)
        args, sent = [], []
        for (_, t), x in zip(function.func.params, sample.args, strict=True):
            await things.prepare(t, x)
            args.append((lent if isinstance(t, types.Borrow) else echoed).send(t, x))
            if not isinstance(t, types.Borrow):
                sent.append(x)
        found = await instance.call(path, *args)
        _compare(result, tuple(sent), echoed.take(result, found), path)
        await echoed.compare(path)
        things.close()


def _compare(t: ValType, sent: Any, got: Any, where: str) -> None:
    """Fails unless values are equal, but for their handles."""
    sent = with_handles(t, sent, lambda _t, _n: 0)
    assert same(without_handles(t), sent, got), f"{where}: sent {sent}, got {got}"
