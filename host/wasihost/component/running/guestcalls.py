"""Calls of the guest's exports: each is a command to the driver component, and a future that its end resolves."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import re
from collections import deque
from typing import Any

from wasmtime.component import LinkerInstance

from wasihost.component import ffi
from wasihost.component.composition.protocol import Command
from wasihost.component.conversion.numbers import MAX_ROOM, SharedNumbers, needed
from wasihost.component.conversion.plans import FromPython, Plans
from wasihost.component.running import callbacks
from wasihost.component.running.leaves import leaves
from wasihost.component.running.linking import Linking, Registrar
from wasihost.component.running.machine import Machine
from wasihost.component.values import Classes, Err, Ok, WitError
from wasihost.component.world import layout, types
from wasihost.component.world.wiring import TOKEN, Called, Wiring
from wasihost.errors import LimitError, ProviderError, UnsupportedTypeError

MAX_PENDING = 65536


class GuestCall:
    """One call, from `call` to its result."""

    __slots__ = ("args", "called", "future", "given", "handle", "lent", "room", "token")

    def __init__(self, called: Called, args: tuple[Any, ...], future: asyncio.Future[Any], token: int) -> None:
        self.called, self.args, self.future, self.token = called, args, future, token
        self.handle = 0  # of the subtask, once the driver component has told it
        self.room = 0  # bytes that the driver component was asked for, for arguments and the lists of numbers in them
        self.lent: list[GuestResource] | None = None
        self.given: list[GuestResource] | None = None

    def lend(self, resource: GuestResource) -> int:
        """The handle of a resource that the guest may use until the call is over."""
        handle = resource.lend()
        self.lent = [*(self.lent or ()), resource]
        return handle

    def give(self, resource: GuestResource) -> int:
        """The handle of a resource that is the guest's from now on."""
        handle = resource.give()
        self.given = [*(self.given or ()), resource]
        return handle

    def return_resources(self) -> None:
        """The guest uses the resources no more that it was lent."""
        lent, self.lent = self.lent, None
        for resource in lent or ():
            resource.returned()

    def take_back(self) -> None:
        """This call will not be made: its resources stay ours."""
        self.return_resources()
        for resource in self.given or ():
            resource.taken_back()


class GuestResource:
    """An object of a resource that the guest defines; `close` drops it."""

    def __init__(self, calls: GuestCalls, resource: types.Resource, handle: int) -> None:
        self._calls, self._resource, self._handle = calls, resource, handle
        self._closed = False
        self._users = 0

    def __repr__(self) -> str:
        return f"<{self._resource.name} of a guest{', closed' if self._closed else ''}>"

    def close(self) -> None:
        """Drops the guest's resource, after the calls under way that use it. Closing again does nothing."""
        if not self._closed:
            self._closed = True
            self._drop_unused()

    def _drop_unused(self) -> None:
        # The guest would trap if what it was lent went away.
        if self._closed and not self._users:
            self._calls.drop_resource(self._resource, self._handle)

    def is_of(self, calls: GuestCalls, resource: types.Resource) -> bool:
        """Whether it belongs to that instance and type."""
        return calls is self._calls and resource is self._resource

    def lend(self) -> int:
        """The handle, in use until `returned`."""
        self._check()
        self._users += 1
        return self._handle

    def returned(self) -> None:
        self._users -= 1
        self._drop_unused()

    def give(self) -> int:
        """The handle, which is the guest's again."""
        self._check()
        if self._users:
            raise TypeError(f"{self!r} is in use by a call and cannot be given away")
        self._closed = True
        return self._handle

    def taken_back(self) -> None:
        self._closed = False

    def _check(self) -> None:
        if self._closed:
            raise TypeError(f"{self!r} cannot be used any more")


class GuestCalls:
    """The calls of one instance."""

    def __init__(self, instance: Machine, wiring: Wiring, linking: Linking) -> None:
        self._instance, self._wiring, self._linking = instance, wiring, linking
        self._calls: dict[int, GuestCall] = {}
        self._commands: deque[tuple[Command, int, int]] = deque()
        self._issued: GuestCall | None = None
        self._roomed: GuestCall | None = None
        self._preparing: GuestCall | None = None
        self._arguments = ctypes.create_string_buffer(ffi.VAL_SIZE)
        self._arguments_at = ctypes.addressof(self._arguments)
        self._found: dict[str, Called] = {}
        self._givers: dict[int, FromPython] = {}
        self._last_token = 0
        self.numbers = SharedNumbers()
        self._plans = {
            name: linking.plans_of(Classes(interface), self.numbers) for name, interface in wiring.world.exports.items()
        }
        self._needed = {called.index: needed(_whole(called)) for called in wiring.called if called.sends_numbers}

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def paths(self) -> list[str]:
        """What is being called."""
        return [call.called.path for call in self._calls.values()]

    # ---- registering

    def register(self, instance: LinkerInstance, registrar: Registrar, plain: Plans) -> None:
        """Registers all that the driver component calls."""
        ffi.add_func(instance, "next", callbacks.word_callback(registrar.context, "next", self._next))
        registrar.add(instance, "cancelled", "cancelled", types.Func(TOKEN, None), plain, self._cancelled)
        for called in self._wiring.called:
            if called.arguments is not None:
                ffi.add_func(instance, f"args-{called.index}", callbacks.handing_over(self._arguments))
            result = called.func.result
            params = TOKEN if result is None else (*TOKEN, ("values", types.List(result)))
            done = types.Func(params, None)
            registrar.add(
                instance, f"done-{called.index}", called.path, done, self._plans[called.interface], self._done
            )

    # ---- calling

    async def call(self, name: str, args: tuple[Any, ...]) -> Any:
        called = self._found.get(name) or self._find(name)
        if len(args) != len(called.func.params):
            words = ", ".join(param for param, _ in called.func.params)
            raise TypeError(f"{called.path} takes {len(called.func.params)} arguments ({words}), not {len(args)}")
        if len(self._calls) >= MAX_PENDING:
            raise LimitError(f"{MAX_PENDING} calls are under way in this instance, which is the limit")
        call = self._begin(called, args)
        try:
            return await call.future
        except asyncio.CancelledError:
            self._cancel(call)
            raise

    def _begin(self, called: Called, args: tuple[Any, ...]) -> GuestCall:
        if self._instance.stats.calls is not None:
            self._instance.stats.calls[called.path] += 1
        token = self._last_token = self._last_token % 0xFFFF_FFFF + 1
        future = asyncio.get_running_loop().create_future()
        call = self._calls[token] = GuestCall(called, args, future, token)
        self._command(Command.CALL, called.index, token)
        return call

    def _find(self, name: str) -> Called:
        """The export of this path; the version of the interface may be left out."""
        for called in self._wiring.called:
            if name in (called.path, f"{called.interface.partition('@')[0]}#{called.name}"):
                self._found[name] = called
                return called
        for interface, items in self._wiring.world.exports.items():
            if name in {f"{interface}#{func}" if interface else func for func in items.funcs}:
                raise UnsupportedTypeError(f"{name}: streams and futures of exports are not supported yet")
        known = ", ".join(called.path for called in self._wiring.called) or "no function"
        raise LookupError(f"the component does not export {name!r}; it exports {known}")

    def _cancel(self, call: GuestCall) -> None:
        if call.handle:
            self._command(Command.CANCEL, 0, call.token)
        elif call is not self._issued:
            self._calls.pop(call.token, None)

    def fail(self, error: BaseException) -> None:
        """No call will return any more."""
        for call in self._calls.values():
            call.lent = None
            if not call.future.done():
                if isinstance(error, KeyboardInterrupt | SystemExit | asyncio.CancelledError):
                    call.future.cancel()  # the event loop itself raises the first two
                else:
                    call.future.set_exception(error)
        self._calls.clear()

    # ---- the driver component's calls

    @property
    def has_commands(self) -> bool:
        return bool(self._commands)

    def _command(self, command: Command, index: int, value: int) -> None:
        self._commands.append((command, index, value))
        self._instance.rings.want_driver(True)
        self._instance.wake()

    def _next(self, previous: int) -> int:
        """The next command; `previous` is the handle of the subtask that the last call became, 0 if it returned; or
        where the room is that was asked for."""
        if self._issued is not None:
            self._issued.handle, self._issued = previous, None
        elif self._roomed is not None:
            at = _arguments_size(self._roomed.called)
            self.numbers.give_room(previous + at, self._roomed.room - at)
            self._roomed = None
        while self._commands:
            command, index, value = self._commands.popleft()
            if command is Command.CALL:
                call = self._calls.get(value)
                if call is None:
                    continue
                if room := self._ask_room(call):
                    self._commands.appendleft((command, index, value))
                    return Command.ROOM | room << 32
                if value not in self._calls or not self._prepare(call):
                    continue
                self._issued = call
            elif command is Command.CANCEL:
                call = self._calls.get(value)
                if call is None:
                    continue
                value = call.handle
            return command | index << 8 | value << 32
        self._instance.rings.want_driver(False)
        return Command.NONE

    def _ask_room(self, call: GuestCall) -> int:
        """How many bytes the driver component shall make for the arguments; 0 if that is its own business, or done."""
        size_of = self._needed.get(call.called.index)
        if size_of is None or call.room:
            return 0
        lists = 0
        with contextlib.suppress(Exception):  # not of the type, as `_prepare` will say
            lists = size_of(call.args)
        if lists > MAX_ROOM:
            self._refuse(call, LimitError(f"{call.called.path}: lists of {lists} bytes; {MAX_ROOM} is the limit"))
            return 0
        call.room = _arguments_size(call.called) + lists
        self._roomed = call
        return call.room

    def _prepare(self, call: GuestCall) -> bool:
        """Makes the C value of the arguments, which the driver component asks for next."""
        arguments = call.called.arguments
        if arguments is None:
            return True
        give = self._givers.get(call.called.index) or self._giver(call.called, arguments)
        padding = (0,) * (len(arguments.elements) - len(call.args))
        self._preparing = call
        try:
            give(call.args + padding, self._arguments_at, self._instance)
        except Exception as error:
            self._refuse(call, _argument_error(call, error))
            return False
        return True

    def _refuse(self, call: GuestCall, error: Exception) -> None:
        """A call that is not made."""
        del self._calls[call.token]
        call.take_back()
        if not call.future.done():
            call.future.set_exception(error)

    def _giver(self, called: Called, arguments: types.Tuple) -> FromPython:
        own = _whole(called).elements
        padding = (types.U8,) * (len(arguments.elements) - len(own))
        give = self._plans[called.interface].from_python(types.Tuple(own + padding))
        self._givers[called.index] = give
        return give

    def _done(self, token: int, values: list[Any] | None = None) -> None:
        call = self._calls.pop(token)
        if call.lent is not None:
            call.return_resources()
        if call is self._issued:
            self._issued = None
        if call.future.done():
            self._discard(call.called, values or [])
            return
        self._instance.returned()
        value = values[0] if values else None
        if not isinstance(call.called.func.result, types.Result):
            call.future.set_result(value)
        elif isinstance(value, Err):
            call.future.set_exception(WitError(value.value))
        else:
            assert isinstance(value, Ok)
            call.future.set_result(value.value)

    def _discard(self, called: Called, values: list[Any]) -> None:
        """Nobody waits for this result any more: drops the resources in it."""
        if called.func.result is None:
            return
        for leaf, obj in leaves(types.List(called.func.result), values):
            if isinstance(obj, GuestResource):
                obj.close()
            elif isinstance(leaf, types.Own) and hasattr(obj, "drop"):
                obj.drop()

    def _cancelled(self, token: int) -> None:
        if call := self._calls.pop(token, None):
            call.return_resources()

    # ---- the guest's own resources

    def drop_resource(self, resource: types.Resource, handle: int) -> None:
        if not self._instance.closing:
            self._command(Command.DROP, self._wiring.guest_resource_order.index(resource), handle)

    def guest_resource(self, resource: types.Resource, handle: int) -> GuestResource:
        return GuestResource(self, resource, handle)

    def guest_handle(self, resource: types.Resource, obj: Any, own: bool) -> int:
        if not isinstance(obj, GuestResource) or not obj.is_of(self, resource):
            shown = repr(obj) if isinstance(obj, GuestResource) else repr(type(obj).__name__)
            raise TypeError(f"expected a {resource.name} of this guest, got {shown}")
        assert self._preparing is not None
        return self._preparing.give(obj) if own else self._preparing.lend(obj)


def _whole(called: Called) -> types.Tuple:
    """All arguments as one value."""
    return types.Tuple(tuple(t for _, t in called.func.params))


def _arguments_size(called: Called) -> int:
    """Bytes in the driver component's memory from the arguments to the lists of numbers behind them."""
    assert called.arguments is not None
    return layout.align_to(layout.size(called.arguments), 8)


_ELEMENT = re.compile(r"element ([0-9]+)")


def _argument_error(call: GuestCall, error: Exception) -> Exception:
    """The TypeError for a wrong argument, with its name: to a plan the arguments are one tuple."""
    if not isinstance(error, ProviderError | TypeError):
        return error
    message = _ELEMENT.sub(lambda match: f"argument {call.called.func.params[int(match[1])][0]}", str(error), count=1)
    return TypeError(f"{call.called.path}: {message}")
