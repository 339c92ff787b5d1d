"""Calls of the guest's exports: each is a command to the driver component, and a future that its end resolves."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import struct
from collections import deque
from collections.abc import Mapping
from typing import Any

from wasmtime.component import LinkerInstance

from wasihost._base.errors import LimitError, LinkError, ProviderError, WasihostError
from wasihost._base.quoting import line, some
from wasihost._component import ffi
from wasihost._component.composition.protocol import (
    DRIVER_ARGUMENTS,
    DRIVER_COMMAND,
    DRIVER_PREVIOUS,
    DRIVER_RETURNED,
    HOME,
    RETURNED_COUNT,
    RETURNED_SIZE,
    Command,
)
from wasihost._component.conversion import scalars
from wasihost._component.conversion.handles import Refused
from wasihost._component.conversion.numbers import SharedNumbers, needed
from wasihost._component.conversion.plans import FromPython, LatePlans, Plans
from wasihost._component.running.exports.call import GuestCall, GuestResource, close_streams
from wasihost._component.running.imports import callbacks
from wasihost._component.running.imports.linking import Linking, Registrar
from wasihost._component.running.loop import event_loop
from wasihost._component.running.machine import Machine
from wasihost._component.running.memory import LinearMemory
from wasihost._component.running.streams import incoming, outgoing
from wasihost._component.running.streams.handles import discard, leaves
from wasihost._component.values import Classes, Err, Ok, WitError
from wasihost._component.world import layout, types, versions
from wasihost._component.world.wiring import OPENED, TOKEN, Called, Kind, Wiring

MOST_AT_ONCE = 500_000
AT_ONCE_LIMIT = (
    f"{MOST_AT_ONCE} calls of async exports of this instance returned at once, and Wasmtime 50 keeps the task of each: "
    "open a new instance in good time (Host.pool does for each request)"
)
_CALL, _NO_COMMAND = int(Command.CALL), (int(Command.NONE), 0, 0)
_COMMAND, _WORD, _RETURNED = struct.Struct("<3I"), struct.Struct("<I"), struct.Struct("<I4x8s")


def closed() -> RuntimeError:
    """What a call of a closed instance raises."""
    return RuntimeError("this instance is closed")


class GuestCalls:
    """The calls of one instance."""

    def __init__(self, instance: Machine, wiring: Wiring, linking: Linking) -> None:
        self._instance, self._wiring, self._linking = instance, wiring, linking
        self._callers = instance.callers
        self._calls: dict[int, GuestCall] = {}
        self._counted = instance.stats.calls
        self._commands: deque[GuestCall | tuple[Command, int, int]] = (
            deque()
        )  # a call stands for the command to make it
        self._issued: GuestCall | None = None
        self._roomed: GuestCall | None = None
        self._preparing: GuestCall | None = None
        self._arguments = ctypes.create_string_buffer(ffi.VAL_SIZE)
        self._arguments_at = ctypes.addressof(self._arguments)
        self._givers: dict[int, tuple[FromPython, tuple[int, ...]]] = {}
        self._scalars: dict[int, struct.Struct] = {}
        self._last_token = self._at_once = 0
        self._memory = memoryview(bytearray(DRIVER_RETURNED))  # until there is the driver component's
        self.numbers = SharedNumbers(instance.limits)
        self.plans = {name: self._plans_of(name, self.numbers) for name in wiring.world.exports}
        """The plans of each exported interface, see `use_types`."""
        self.element_plans = {name: self._plans_of(name) for name in wiring.world.exports}
        """The same for elements of streams and futures."""
        self._resource_classes: dict[types.Resource, type[GuestResource]] = {}
        self._needed = {called.index: needed(called.whole) for called in wiring.called if called.sends_numbers}

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def paths(self) -> list[str]:
        """What is being called."""
        return [call.called.path for call in self._calls.values()]

    def use_memory(self, memory: LinearMemory) -> None:
        """That of the driver component, once it is there."""
        self.numbers.memory = memory
        self._memory = memory.view()

    def close(self) -> None:
        """The memory is gone."""
        self._memory = memoryview(bytearray(DRIVER_RETURNED))
        del self.numbers.memory

    # ---- classes

    def use_types(self, interface: str, wit_types: Mapping[str, type]) -> None:
        """What comes back from this interface is of these classes from now on."""
        name = self._interface(interface)
        try:
            classes = Classes(self._wiring.world.exported(name), wit_types)
        except LinkError as error:
            raise LinkError(f"{name}: {error}") from None
        self.plans[name].replace(self._linking.plans_of(classes, self.numbers))
        self.element_plans[name].replace(self._linking.plans_of(classes))
        for type_name, t in self._wiring.world.exports[name].types.items():
            cls = wit_types.get(type_name)
            if isinstance(t, types.Resource) and t in self._wiring.guest_resources and cls is not None:
                if not issubclass(cls, GuestResource):
                    raise LinkError(f"{name}: {cls.__qualname__} cannot stand for {type_name}: it is no GuestResource")
                self._resource_classes[t] = cls

    def _interface(self, name: str) -> str:
        found = versions.find(name, self._wiring.world.exports)
        if found is None:
            known = some(list(self._wiring.world.exports)) or "nothing"
            raise LookupError(line(f"the component does not export {name!r}; it exports {known}"))
        return found

    def _plans_of(self, interface: str, *numbers: SharedNumbers) -> LatePlans:
        return LatePlans(lambda: self._linking.plans_of(self._wiring.export_classes[interface], *numbers))

    # ---- registering

    def register(self, instance: LinkerInstance, registrar: Registrar, plain: Plans) -> None:
        """Registers all that the driver component calls."""
        for name, call in (("next", self._next), ("returned", self._take_scalars)):
            ffi.add_func(instance, name, callbacks.bare_callback(registrar.context, name, call))
        registrar.add(instance, "cancelled", "cancelled", types.Func(TOKEN, None), plain, self._cancelled)
        for called in self._wiring.called:
            if called.arguments is not None and not called.takes_scalars:
                ffi.add_func(instance, f"args-{called.index}", callbacks.handing_over(self._arguments))
            if called.gives_scalar:
                self._scalars[called.index] = scalars.result(called.func.result)
                continue
            assert called.func.result is not None
            done = types.Func((*TOKEN, ("values", types.List(called.func.result))), None)
            plans = self.plans[called.interface]
            registrar.add(instance, f"done-{called.index}", called.path, done, plans, self._done)

    def register_opened(self, instance: LinkerInstance, registrar: Registrar, plain: Plans) -> None:
        """Registers what the adapter component calls for streams and futures in arguments."""
        registrar.add(instance, "opened", "opened", OPENED, plain, self._opened)

    # ---- calling

    async def call(self, name: str, args: tuple[Any, ...]) -> Any:
        called = self._wiring.find(name)
        try:
            if self._instance.closing:
                raise closed()
            if self._instance.failure is not None:
                raise self._instance.failure
            loop = event_loop.running()
            if loop is not self._instance.loop:
                raise RuntimeError("this instance was opened in another event loop: call it there, or open one here")
            if len(args) != len(called.func.params):
                words = ", ".join(called.names)
                message = f"{called.path} takes {len(called.names)} arguments ({words}), not {len(args)}"
                raise TypeError(line(message))
            limits = self._instance.limits
            if len(self._calls) >= limits.pending_calls:
                raise limits.reached("pending_calls", f"{len(self._calls)} calls of exports are under way")
            if called.func.is_async and self._at_once >= MOST_AT_ONCE:
                raise LimitError(AT_ONCE_LIMIT)
        except BaseException:
            close_streams(called, args)
            raise
        call = self._begin(called, args, loop.create_future())
        try:
            return await call.future
        except asyncio.CancelledError:
            self._cancel(call)
            if isinstance(self._instance.failure, GeneratorExit):  # as an exception of the future it would close us
                raise self._instance.failure from None
            raise

    def _begin(self, called: Called, args: tuple[Any, ...], future: asyncio.Future[Any]) -> GuestCall:
        if self._counted is not None:
            self._counted[called.path] += 1
        token = self._last_token = self._last_token % 0xFFFF_FFFF + 1
        call = self._calls[token] = GuestCall(called, args, future, token)
        self._command(call)
        return call

    def _cancel(self, call: GuestCall) -> None:
        if call.handle:
            self._command((Command.CANCEL, 0, call.token))
        elif not call.is_made and call.token in self._calls:
            del self._calls[call.token]
            call.give_up()

    def fail(self, error: BaseException) -> None:
        """No call will return any more."""
        self._take_scalars()
        for call in self._calls.values():
            call.fail()
            if not call.future.done():
                if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | asyncio.CancelledError):
                    call.future.cancel()  # the event loop itself raises the first two
                else:
                    call.future.set_exception(error)
        self._calls.clear()

    # ---- the driver component's calls

    @property
    def has_commands(self) -> bool:
        return bool(self._commands)

    def _command(self, command: GuestCall | tuple[Command, int, int]) -> None:
        if not self._commands:
            self._instance.rings.want_driver(True)
            self._instance.wake()
        self._commands.append(command)

    def _next(self) -> None:
        """Writes the next command. What came of the last one: the handle of the subtask that a call became, 0 if it
        returned; or where the room is that was asked for."""
        if _WORD.unpack_from(self._memory, RETURNED_COUNT) != (0,):
            self._take_scalars()
        (previous,) = _WORD.unpack_from(self._memory, DRIVER_PREVIOUS)
        if self._issued is not None:
            self._issued_became(previous)
        elif self._roomed is not None:
            at = _arguments_size(self._roomed.called)
            self.numbers.give_room(previous + at, self._roomed.room - at)
            self._roomed = None
        _COMMAND.pack_into(self._memory, DRIVER_COMMAND, *self._next_command())
        if self._issued is None:
            self._callers.run_later()
        else:
            is_alone = len(self._calls) == 1 and not self._instance.can_be_resumed
            self._callers.run_first(self._issued.context, is_alone)

    def _next_command(self) -> tuple[int, int, int]:
        while self._commands:
            command = self._commands.popleft()
            if isinstance(command, GuestCall):
                if found := self._issue(command):
                    return found
            elif command[0] is not Command.CANCEL:
                return command
            elif (call := self._calls.get(command[2])) is not None and call.handle:
                handle, call.handle = call.handle, 0  # once: the component model forbids to cancel again
                return Command.CANCEL, 0, handle
        self._instance.rings.want_driver(False)
        return _NO_COMMAND

    def _issue(self, call: GuestCall) -> tuple[int, int, int] | None:
        """The command for a call, or to make room for it first; None if it is not made."""
        index = call.called.index
        if call.token not in self._calls:
            return None
        if index in self._needed and (room := self._ask_room(call)):
            self._commands.appendleft(call)
            return Command.ROOM, 0, room
        if call.token not in self._calls or not self._prepare(call):
            return None
        self._issued = call
        self._instance.time_call(call.future)
        self._at_once += call.called.func.is_async
        return _CALL, index, call.token

    def _issued_became(self, handle: int) -> None:
        call, self._issued = self._issued, None
        assert call is not None
        call.handle = handle
        if handle and call.called.func.is_async:
            self._at_once -= 1
        if handle and call.future.cancelled():  # while the guest was stopped before its first wait
            self._cancel(call)

    def _ask_room(self, call: GuestCall) -> int:
        """How many bytes the driver component shall make for arguments with lists of numbers; 0 if it has."""
        if call.room:
            return 0
        size_of, lists = self._needed[call.called.index], 0
        assert size_of is not None
        with contextlib.suppress(Exception):  # not of the type, as `_prepare` will say
            lists = size_of(call.args)
        limits = self._instance.limits
        if lists > limits.list_bytes:
            self._refuse(call, limits.reached("list_bytes", f"{call.called.path}: lists of {lists} bytes"))
            return 0
        call.room = _arguments_size(call.called) + lists
        self._roomed = call
        return call.room

    def _prepare(self, call: GuestCall) -> bool:
        """Makes the C value of the arguments, which the driver component asks for next."""
        arguments = call.called.arguments
        if arguments is None:
            call.is_made = True
            return True
        give, padding = self._givers.get(call.called.index) or self._giver(call.called, arguments)
        self._preparing = call
        try:
            give(call.args + padding, self._arguments_at, self._instance)
        except Exception as error:
            self._refuse(call, _argument_error(call, error))
            return False
        finally:
            self._preparing = None
        for reader in call.home or ():
            reader.give_away()
        call.is_made = True
        return True

    def _refuse(self, call: GuestCall, error: Exception) -> None:
        """A call that is not made."""
        del self._calls[call.token]
        call.give_up()
        if not call.future.done():
            call.future.set_exception(error)

    def _giver(self, called: Called, arguments: types.Tuple) -> tuple[FromPython, tuple[int, ...]]:
        """The plan for the arguments, and what pads them."""
        if called.takes_scalars:
            self._givers[called.index] = self._scalars_giver(called), ()
            return self._givers[called.index]
        own = called.whole.elements
        padding = (types.U8,) * (len(arguments.elements) - len(own))
        give = self.plans[called.interface].arguments_from_python(types.Tuple(own + padding), called.names)
        found = self._givers[called.index] = give, (0,) * len(padding)
        return found

    def _scalars_giver(self, called: Called) -> FromPython:
        pack_into = scalars.arguments(called.whole).pack_into
        explain = self.plans[called.interface].arguments_from_python(called.whole, called.names)

        def give(args: tuple[Any, ...], address: int, context: Any) -> None:
            try:
                pack_into(self._memory, DRIVER_ARGUMENTS, *args)
            except Exception:
                explain(args, address, context)
                raise

        return give

    def _take_scalars(self) -> None:
        """Takes the results that are numbers, or nothing."""
        (count,) = _WORD.unpack_from(self._memory, RETURNED_COUNT)
        if not count:
            return
        _WORD.pack_into(self._memory, RETURNED_COUNT, 0)
        self._instance.returned()
        ring = self._memory[DRIVER_RETURNED : DRIVER_RETURNED + count * RETURNED_SIZE]
        for token, value in _RETURNED.iter_unpack(ring):
            call = self._calls.pop(token)
            if call.lent is not None:
                call.return_resources()
            if not call.future.done():
                found = self._scalars[call.called.index].unpack(value)
                call.future.set_result(found[0] if found else None)
        if self._issued is not None and self._issued.token not in self._calls:
            self._issued = None

    def _done(self, token: int, values: list[Any]) -> None:
        """Takes any other result: a list of one."""
        call = self._calls.pop(token)
        call.return_resources()
        if call is self._issued:
            self._issued = None
        if call.future.done():
            self._discard(call.called, values)
            return
        self._instance.returned()
        (value,) = values
        if not isinstance(call.called.func.result, types.Result):
            call.future.set_result(value)
        elif isinstance(value, Err):
            call.future.set_exception(WitError(value.value))
        else:
            assert isinstance(value, Ok)
            call.future.set_result(value.value)

    def _discard(self, called: Called, values: list[Any]) -> None:
        """Nobody waits for this result any more: drops the resources in it, closes the streams."""
        if called.func.result is None:
            return
        for leaf, obj in leaves(types.List(called.func.result), values):
            if isinstance(obj, GuestResource):
                obj.close()
            else:
                discard(leaf, obj)

    def _cancelled(self, token: int) -> None:
        if call := self._calls.pop(token, None):
            call.return_resources()

    # ---- streams and futures in arguments

    @property
    def is_preparing(self) -> bool:
        """Whether the value in the making is the arguments of a call."""
        return self._preparing is not None

    def handle_from_stream(self, kind: Kind, obj: Any) -> int:
        """What stands for the object in the arguments: a key for `_opened`, or an end that goes back to the guest."""
        call = self._preparing
        assert call is not None
        if incoming.goes_home(self._instance, kind, obj):
            if obj.over or obj in (call.home or ()):
                raise Refused(obj, "one that was closed or given away")
            call.home = [*(call.home or ()), obj]
            return HOME | int(obj.end)
        outgoing.check(kind, obj)
        if call.offered is None:
            call.offered = {}
        key = len(call.offered)
        call.offered[key] = kind, obj
        return key

    def _opened(self, key: int, end: int) -> None:
        """The adapter component has made a pair of ends for an argument: starts the pump."""
        call = self._issued
        assert call is not None
        assert call.offered is not None
        kind, obj = call.offered.pop(key)
        pump = outgoing.feed(self._instance, self._wiring.kind(kind), kind, end, obj)
        pump.origin = f"that was passed to {call.called.path}"

    # ---- the guest's own resources

    def drop_resource(self, resource: types.Resource, handle: int) -> None:
        if not self._instance.closing:
            self._command((Command.DROP, self._wiring.guest_resource_order.index(resource), handle))

    def guest_resource(self, resource: types.Resource, handle: int) -> GuestResource:
        return self._resource_classes.get(resource, GuestResource)(self, resource, handle)

    def guest_handle(self, resource: types.Resource, obj: Any, own: bool) -> int:
        if not isinstance(obj, GuestResource):
            raise Refused(obj, repr(type(obj).__name__))
        if not obj._is_of(self, resource):
            raise Refused(obj, repr(obj), "of this guest")
        assert self._preparing is not None
        return self._preparing.give(obj) if own else self._preparing.lend(obj)


def _arguments_size(called: Called) -> int:
    """Bytes in the driver component's memory from the arguments to the lists of numbers behind them."""
    assert called.arguments is not None
    return layout.align_to(layout.size(called.arguments), 8)


def _argument_error(call: GuestCall, error: Exception) -> Exception:
    """What a call with a bad argument raises: a TypeError that names it, or what the argument itself raised."""
    if isinstance(error, ProviderError):
        return TypeError(line(f"{call.called.path}: {error}"))
    if isinstance(error, WasihostError):
        return error
    if isinstance(error, StopIteration):  # which no future takes
        return RuntimeError(line(f"an argument of {call.called.path} raised StopIteration"))
    error.add_note(line(f"raised by an argument of {call.called.path}"))
    return error
