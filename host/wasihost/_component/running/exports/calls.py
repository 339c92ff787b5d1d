"""Calls of the guest's exports: each is a command to the driver component, and a future that its end resolves."""

from __future__ import annotations

import asyncio
import ctypes
import struct
from collections import deque
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from wasmtime.component import LinkerInstance

from wasihost._base.errors import LimitError
from wasihost._base.quoting import line
from wasihost._component.composition.protocol import (
    DRIVER_COMMAND,
    DRIVER_PREVIOUS,
    DRIVER_RETURNED,
    HOME,
    RETURNED_COUNT,
    Command,
)
from wasihost._component.conversion import scalars
from wasihost._component.conversion.handles import Refused
from wasihost._component.conversion.numbers import SharedLists
from wasihost._component.conversion.plans import Plans
from wasihost._component.running.exports import names
from wasihost._component.running.exports.arguments import Arguments, Givers, error_of
from wasihost._component.running.exports.call import GuestCall, close_streams
from wasihost._component.running.exports.classes import ExportClasses, ExportPlans
from wasihost._component.running.exports.resources import GuestResource
from wasihost._component.running.exports.results import Results, discard_result
from wasihost._component.running.exports.states import CANCELLING, ISSUED, MAKING_ROOM, OVER, PREPARING, QUEUED, WAITING
from wasihost._component.running.imports.linking import Linking, Registrar
from wasihost._component.running.loop import event_loop
from wasihost._component.running.machine import Machine
from wasihost._component.running.memory import LinearMemory
from wasihost._component.world import types
from wasihost._component.world.wiring import TOKEN, Called, Kind

MOST_AT_ONCE = 500_000
AT_ONCE_LIMIT = (
    f"{MOST_AT_ONCE} calls of async exports of this instance returned at once, and Wasmtime 50 keeps the task of each: "
    "open a new instance in good time (Host.pool does for each request)"
)
_CALL = int(Command.CALL)
_NO_COMMAND = (int(Command.NONE), 0, 0)
_COMMAND = struct.Struct("<3I")
_NO_MEMORY = memoryview(bytes(DRIVER_RETURNED))
"""In the place of the driver component's: nothing was returned."""


def closed() -> RuntimeError:
    """What a call of a closed instance raises."""
    return RuntimeError("this instance is closed")


class GuestFunctions:
    """The exports of a component, as all its instances share them."""

    def __init__(self, linking: Linking) -> None:
        self.wiring = linking.wiring
        self._found: dict[str, Called] = {}
        self.plans = ExportPlans(linking)
        self.givers = Givers(self.plans.values, self.wiring.called)
        self.unpackers = {
            called.index: scalars.result(called.func.result) for called in self.wiring.called if called.gives_scalar
        }

    @cached_property
    def names(self) -> names.Tree:
        """The paths of all exports by their names in Python."""
        return names.tree(self.wiring.called)

    @cached_property
    def methods(self) -> dict[types.Resource, dict[str, str]]:
        """The paths of the methods of the guest's resources, by their names in Python."""
        return names.methods(self.wiring.called)

    def find(self, name: str) -> Called:
        """As `Wiring.find`, which an instance for one request would ask for what others have called before."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self.wiring.find(name)
        return found

    def register(self, instance: LinkerInstance, registrar: Registrar, plain: Plans) -> None:
        """Registers all that the driver component calls."""
        registrar.add_bare(instance, "next", lambda machine: machine.guest_calls.write_next)
        registrar.add_bare(instance, "returned", lambda machine: machine.guest_calls.results.take_scalars)
        cancelled = types.Func(TOKEN, None)
        registrar.add(
            instance, "cancelled", "cancelled", cancelled, plain, lambda machine: machine.guest_calls.results.cancelled
        )
        for called in self.wiring.called:
            if called.takes_values:
                registrar.add_value(
                    instance, f"args-{called.index}", lambda machine: machine.guest_calls.value_of_arguments
                )
            if not called.gives_scalar:
                self._register_done(instance, registrar, called)

    def _register_done(self, instance: LinkerInstance, registrar: Registrar, called: Called) -> None:
        assert called.func.result is not None
        done = types.Func((*TOKEN, ("values", types.List(called.func.result))), None)
        registrar.add(
            instance,
            f"done-{called.index}",
            called.path,
            done,
            self.plans.of_values(called.interface),
            lambda machine: machine.guest_calls.results.done,
            takes_words=called.gives_memory,
        )


class GuestCalls:
    """The calls of one instance, whose states are in `states.py`."""

    def __init__(self, instance: Machine, functions: GuestFunctions) -> None:
        self._instance = instance
        self._wiring = functions.wiring
        self._functions = functions
        self.wait: Callable[[Any], Any] | None = None
        self.find = functions.find
        self._calls: dict[int, GuestCall] = {}
        self._counted = instance.stats.calls
        # A call means the command to make it.
        self._commands: deque[GuestCall | tuple[int, int, int]] = deque()
        self._current: GuestCall | None = None  # that the driver component has in hand
        self._last_token = 0
        self._is_timed = instance.limits.run_time_s is not None
        self._awaited = 0
        self._at_once = 0
        self.lists = SharedLists(instance.limits)
        self.classes = ExportClasses(functions.plans)
        self._arguments = Arguments(instance, functions.wiring, functions.givers, self.lists)
        self.results = Results(instance, self._calls, functions.unpackers)
        # Until there is the driver component's.
        self._memory = _NO_MEMORY
        self._words = _NO_MEMORY.cast("I")

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def paths(self) -> list[str]:
        """What is being called."""
        return [call.called.path for call in self._calls.values()]

    def use_memory(self, memory: LinearMemory) -> None:
        """That of the driver component, once it is there."""
        self.lists.memory = memory
        self._use_view(memory.view())

    def close(self) -> None:
        """The memory is gone."""
        self._use_view(_NO_MEMORY)
        del self.lists.memory

    def _use_view(self, view: memoryview) -> None:
        self._memory = view
        self._words = view.cast("I")
        self._arguments.use_memory(view)
        self.results.use_memory(view, self._words)

    def use_types(self, interface: str, wit_types: Mapping[str, Any]) -> None:
        """What comes back from this interface is of these classes from now on."""
        self.classes.use_types(interface, wit_types)

    @property
    def names(self) -> names.Tree:
        """The paths of all exports by their names in Python."""
        return self._functions.names

    def method_path(self, resource: types.Resource, name: str) -> str | None:
        """The path of a method of a resource of the guest, by its name in Python."""
        return self._functions.methods.get(resource, {}).get(name)

    # ---- calling

    async def call(self, name: str, args: tuple[Any, ...]) -> Any:
        call = self._begin(name, args)
        try:
            return await call.future
        except asyncio.CancelledError:
            self._cancel(call)
            if isinstance(self._instance.failure, GeneratorExit):  # as an exception of the future it would close us
                raise self._instance.failure from None
            raise
        finally:
            del call  # its future has the exception, and with it this frame

    def begin_call(self, name: str, args: tuple[Any, ...]) -> asyncio.Future[Any]:
        """See `Instance.begin_call`."""
        call = self._begin(name, args)
        call.goes_on = True
        return call.future

    def _begin(self, name: str, args: tuple[Any, ...]) -> GuestCall:
        """A call, if it may be made."""
        called = self.find(name)
        instance = self._instance
        try:
            if instance.closing:
                raise closed()
            if instance.failure is not None:
                raise instance.failure
            loop = event_loop.running()
            if loop is not instance.loop:
                raise RuntimeError("this instance was opened in another event loop: call it there, or open one here")
            if len(args) != len(called.func.params):
                words = ", ".join(called.names)
                message = f"{called.path} takes {len(called.names)} arguments ({words}), not {len(args)}"
                raise TypeError(line(message))
            limits = instance.limits
            if len(self._calls) >= limits.pending_calls:
                raise limits.reached("pending_calls", f"{len(self._calls)} calls of exports are under way")
            if called.func.is_async and self._at_once >= MOST_AT_ONCE:
                raise LimitError(AT_ONCE_LIMIT)
        except BaseException:
            close_streams(called, args)
            raise
        if self._counted is not None:
            self._counted[called.path] += 1
        token = self._last_token = self._last_token % 0xFFFF_FFFF + 1
        call = self._calls[token] = GuestCall(called, args, loop.create_future(), token)
        self._command(call)
        return call

    def _cancel(self, call: GuestCall) -> None:
        if call.state in (QUEUED, MAKING_ROOM):
            self._calls.pop(call.token).take_back()
        elif call.state is WAITING:
            call.state = CANCELLING
            self._command((Command.CANCEL, 0, call.token))
        elif call.future.done() and not call.future.cancelled() and call.future.exception() is None:
            discard_result(call.called, call.future.result())  # cancelled between the guest's return and its caller's

    def await_future(self, number: int, end: int, resolved: Callable[[list[Any]], None]) -> None:
        """Has the relay component read a future of kind `number`, which takes the end over."""
        self._awaited = self._awaited % (HOME - 1) + 1
        token = HOME | self._awaited  # no token of a pump, which is its end
        self._instance.expect_values(token, resolved)
        self._command((Command.AWAIT | number << 8, end, token))

    def fail(self, error: BaseException) -> None:
        """No call will return any more."""
        self.results.take_scalars()
        for call in self._calls.values():
            call.fail()
            if not call.future.done():
                if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | asyncio.CancelledError):
                    call.future.cancel()  # the event loop itself raises the first two
                else:
                    call.future.set_exception(error)
        self._calls.clear()
        self._commands.clear()
        self._current = None

    def value_of_arguments(self) -> ctypes.Array[ctypes.c_char]:
        """The C value of the arguments, for which the driver component asks."""
        return self._arguments.value

    # ---- the driver component's calls

    def _command(self, command: GuestCall | tuple[int, int, int]) -> None:
        if not self._commands:
            self._instance.rings.want_driver(True)
            self._instance.wake()
        self._commands.append(command)

    def write_next(self) -> None:
        """Writes the next command. What came of the last one: the handle of the subtask that a call became, 0 if it
        returned."""
        if self._words[RETURNED_COUNT // 4]:
            self.results.take_scalars()
        call = self._current
        if call is not None:
            self._current = None
            if call.state is not OVER:
                self._go_on(call, self._words[DRIVER_PREVIOUS // 4])
        command = self._next_command()
        if command[0] != _CALL:  # which runs in the context of its own caller
            self._instance.run_later()
        _COMMAND.pack_into(self._memory, DRIVER_COMMAND, *command)

    def _go_on(self, call: GuestCall, previous: int) -> None:
        if call.state is MAKING_ROOM:
            return
        call.state = WAITING
        call.handle = previous
        self._at_once -= call.called.func.is_async
        if call.future.cancelled() and not call.goes_on:  # while the guest was stopped before its first wait
            self._cancel(call)

    def _next_command(self) -> tuple[int, int, int]:
        while self._commands:
            command = self._commands.popleft()
            if isinstance(command, GuestCall):
                if found := self._issue(command):
                    return found
            elif command[0] is not Command.CANCEL:
                return command
            elif (call := self._calls.get(command[2])) is not None:
                return Command.CANCEL, 0, call.handle
        self._instance.rings.want_driver(False)
        return _NO_COMMAND

    def _issue(self, call: GuestCall) -> tuple[int, int, int] | None:
        """The command for a call, or to make room for it first; None if it is not made."""
        if call.state is OVER:
            return None
        self._current = call
        try:
            if call.state is MAKING_ROOM:
                self._arguments.write(call)
            else:
                call.state = PREPARING
                call.room = self._arguments.prepare(call)
        except Exception as error:
            self._refuse(call, error_of(call, error))
            return None
        if call.state is OVER:  # cancelled by what an argument did
            return None
        if call.room and call.state is PREPARING:
            call.state = MAKING_ROOM
            self._commands.appendleft(call)
            return Command.ROOM, 0, call.room
        call.state = ISSUED
        called = call.called
        if self._is_timed:
            self._instance.time_call(call.future)
        self._at_once += called.func.is_async
        is_alone = len(self._calls) == 1 and not self._instance.can_be_resumed
        self._instance.run_first(call.context, is_alone)
        return _CALL, called.index, call.token

    def _refuse(self, call: GuestCall, error: Exception) -> None:
        """A call that is not made."""
        self._calls.pop(call.token).take_back()
        if not call.future.done():
            call.future.set_exception(error)

    # ---- streams, futures and the guest's own resources in arguments

    @property
    def is_preparing(self) -> bool:
        """Whether the value in the making is the arguments of a call."""
        return self._current is not None and self._current.state in (PREPARING, MAKING_ROOM)

    def handle_from_stream(self, kind: Kind, obj: Any) -> int:
        assert self._current is not None
        return self._arguments.stream_handle(self._current, kind, obj)

    def opened(self, key: int, end: int) -> None:
        """The adapter component has made a pair of ends for an argument."""
        assert self._current is not None
        self._arguments.open(self._current, key, end)

    def drop_resource(self, resource: types.Resource, handle: int) -> None:
        if not self._instance.closing:
            self._command((Command.DROP, self._wiring.guest_resource_order.index(resource), handle))

    def guest_resource(self, resource: types.Resource, handle: int) -> GuestResource:
        return self.classes.of_resource(resource)(self, resource, handle)

    def guest_handle(self, resource: types.Resource, obj: Any, own: bool) -> int:
        if not isinstance(obj, GuestResource):
            raise Refused(obj, repr(type(obj).__name__))
        if not obj._is_of(self, resource):
            raise Refused(obj, repr(obj), "of this guest")
        assert self._current is not None
        return self._current.give(obj) if own else self._current.lend(obj)
