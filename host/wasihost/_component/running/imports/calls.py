"""Calls that the guest makes of adapted functions, and the streams and futures that come with them.

call    the provider's method is called, and its result written into memory, if that is there and has room
start   the same, of a function whose result holds handles; READY at once, or PENDING while its coroutine runs
resume  lists what must be made for the result: pairs of ends, and room for lists and strings; not if nothing must, and
        if `call` or `start` did
finish  gives the result, or writes it into memory; its streams and futures as readable ends with a pump behind each
cancel  the guest gave the call up
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from wasmtime.component import LinkerInstance

from wasihost._base import eager
from wasihost._base.errors import LimitError, ProviderError, UnsupportedTypeError
from wasihost._base.quoting import line
from wasihost._base.streams import PromptFuture
from wasihost._component import ffi
from wasihost._component.composition import protocol
from wasihost._component.composition.protocol import (
    MAX_PAIRS,
    NEEDS_NOTHING,
    NEEDS_UNKNOWN,
    OUTCOME,
    PENDING,
    READY,
    RESULT,
    ROOM_FIRST,
    WAITS,
    Operation,
)
from wasihost._component.conversion.numbers import NoRoom, needed
from wasihost._component.conversion.plans import Plans, ToMemory
from wasihost._component.running.imports import callbacks
from wasihost._component.running.imports.callbacks import Conclude, expect_nothing, no_result_error, result_of
from wasihost._component.running.imports.linking import Linking, Registrar
from wasihost._component.running.imports.providers import Method
from wasihost._component.running.imports.room import Room
from wasihost._component.running.machine import Machine
from wasihost._component.running.memory import LinearMemory
from wasihost._component.running.streams import incoming, outgoing
from wasihost._component.running.streams.handles import discard, leaves
from wasihost._component.values import Err, Ok, WitError
from wasihost._component.world import types
from wasihost._component.world.wiring import TOKEN, Adapted, Kind, Wiring, carries_values

CALLS_IN_ROUND = 1000
"""Async calls that a guest can make without waiting for any, up to twice as many of them in one round."""
SYNC_TOKEN = protocol.TOKEN
"""Of the sync call that is being made: there is one at most."""


class HostCall:
    """One call, from `start` to `finish`. `result` is `Ok` or `Err` for a function that returns a result."""

    __slots__ = ("adapted", "cancelled", "context", "fits", "pairs", "result", "task")

    def __init__(self, adapted: Adapted) -> None:
        self.adapted = adapted
        self.context = contextvars.copy_context()  # what the result holds belongs to it too
        self.task: asyncio.Future[Any] | None = None
        self.result: Any = None
        # By kind, since a plan meets the parts of a value in an order of its own.
        self.pairs: dict[int, Iterator[tuple[int, int]]] = {}
        self.cancelled = False
        self.fits = False  # nothing must be made for the result

    def returned(self, get: Callable[[], Any]) -> None:
        """Keeps what `get` gives or the `WitError` it raises."""
        try:
            self.succeeded(get())
        except WitError as error:
            self.failed(error)

    def succeeded(self, value: Any) -> None:
        """Keeps what the provider gave."""
        self.result = Ok(value) if isinstance(self.adapted.func.result, types.Result) else value

    def failed(self, error: WitError) -> None:
        """Keeps what the provider raised."""
        if not isinstance(self.adapted.func.result, types.Result):
            raise no_result_error(self.adapted.path) from error
        self.result = Err(error.value)


class _Writers(dict[int, Sequence[ToMemory]]):
    """By function, what writes a value that its provider returned, and one that a `WitError` holds.

    They are compiled when they are first needed: a guest imports many functions that it does not call.
    """

    def __init__(self, plans: Mapping[str, Plans], adapted: Sequence[Adapted]) -> None:
        self._plans, self._adapted = plans, adapted

    def __missing__(self, index: int) -> Sequence[ToMemory]:
        adapted = self._adapted[index]
        assert adapted.func.result is not None
        found = self._plans[adapted.interface].return_to_memory(adapted.func.result, OUTCOME, RESULT - OUTCOME)
        self[index] = found
        return found


class HostCalls:
    """The calls of one instance."""

    def __init__(self, instance: Machine, wiring: Wiring, linking: Linking) -> None:
        self._instance, self._wiring, self._linking = instance, wiring, linking
        self._calls: dict[int, HostCall] = {}
        self._finishing: HostCall | None = None
        self._values: dict[int, Sequence[Any]] = {}
        self._expected: dict[int, Callable[[list[Any]], None]] = {}
        self.tasks: dict[asyncio.Future[Any], None] = {}
        """The coroutines of providers whose results are yet to come."""
        self.room = Room(instance.limits)
        self._rounds = self._calls_in_round = 0
        self._plans = {name: linking.plans_of(classes, self.room.numbers) for name, classes in linking.classes.items()}
        self._needed = {each.index: needed(each.func.result, whole=each.in_memory) for each in wiring.adapted}
        self._writers = _Writers(self._plans, wiring.adapted)

    # ---- registering

    def register(
        self, instance: LinkerInstance, registrar: Registrar, plain: Plans, exports: Mapping[str, Plans]
    ) -> None:
        """Registers all that the adapter component calls for this; `exports` are the plans of exported interfaces."""
        registrar.add(instance, "cancel", "cancel", types.Func(TOKEN, None), plain, self._cancel)
        registrar.add(instance, "resume", "resume", types.Func(TOKEN, None), plain, self._resume)
        for adapted in self._wiring.adapted:
            self._register_function(instance, registrar, adapted)
        for number, kind in enumerate(self._wiring.kinds):
            if carries_values(kind):
                self._register_values(instance, registrar, number, kind, exports)

    def _register_function(self, instance: LinkerInstance, registrar: Registrar, adapted: Adapted) -> None:
        method = self._linking.methods[adapted.interface, adapted.name]
        plans = self._plans[adapted.interface]
        suspends = method.may_wait and not adapted.func.is_async
        # The function's own types and not those of its host's side: the plans know how streams and lists travel.
        params, result = adapted.func.params, adapted.func.result
        if adapted.at_once:
            word, call = "call", self._call(adapted, method)
            conclude: Conclude = self._conclude_call if adapted.in_memory else result_of
            func = types.Func(params, None if adapted.in_memory else result)
        else:
            word, call, conclude = "start", self._start(adapted, method), self._conclude_start
            func = types.Func(params, types.U32)
        registrar.add(
            instance,
            f"{word}-{adapted.index}",
            adapted.path,
            func,
            plans,
            call,
            suspends,
            adapted.takes_words,
            conclude=conclude,
        )
        if "finish" in adapted.host:
            writes = adapted.in_memory and not adapted.gives_error
            finish = self._finish_in_memory if writes else self._finish
            func = types.Func(TOKEN, None if writes else result)
            made = callbacks.finishing_callback(registrar.context, adapted.path, func, plans, finish, self._context_of)
            ffi.add_func(instance, f"finish-{adapted.index}", made)

    def _register_values(
        self, instance: LinkerInstance, registrar: Registrar, number: int, kind: Kind, exports: Mapping[str, Plans]
    ) -> None:
        assert kind.payload is not None
        values = types.List(kind.payload)
        functions = list(self._wiring.mentioning(kind))
        path = " or ".join(function.path for function in functions)
        # The values are of the classes of the first interface that mentions the type.
        first = functions[0]
        plans = (self._linking.plans if isinstance(first, Adapted) else exports)[first.interface]
        give_type = types.Func((*TOKEN, ("values", values)), None)
        registrar.add(instance, f"take-{number}", path, types.Func(TOKEN, values), plans, self._take)
        registrar.add(instance, f"give-{number}", path, give_type, plans, self._give)

    # ---- start

    def _begin(self, adapted: Adapted) -> HostCall:
        call = self._calls[self._instance.rings.token] = HostCall(adapted)
        return call

    def _start(self, adapted: Adapted, method: Method) -> Callable[..., Any]:
        is_async, may_wait = adapted.func.is_async, adapted.func.is_async or method.may_wait

        def start(*args: Any) -> int | asyncio.Future[Any]:
            token, call = self._instance.rings.token, self._begin(adapted)
            try:
                is_due = is_async and self._is_pause_due()
                result = self._put_off(adapted, method, args) if is_due else method.call(*args)
                if may_wait and (task := eager.begun(result)) is not None:
                    if not task.done():
                        if not is_async:
                            return self._suspend(call, task)
                        self._wait(call, task)
                        return PENDING
                    result = _result(adapted, task)
                call.succeeded(result)
            except WitError as error:
                call.failed(error)
            return self._ready(token, call)

        return start

    def _ready(self, token: int, call: HostCall) -> int:
        if call.adapted.func.result is not None:
            self._list_needs(call)
        else:
            self._calls.pop(token)
            expect_nothing(call.result)
        return READY

    def _conclude_start(self, task: asyncio.Future[Any]) -> int:
        call = self._calls[SYNC_TOKEN]
        call.returned(partial(_result, call.adapted, task))
        return self._ready(SYNC_TOKEN, call)

    def _is_pause_due(self) -> bool:
        """Whether the guest has made so many calls without a pause that it shall wait for once.

        The task behind a call that is over at once ends only after a round: the guest would fill the store with them.
        """
        self._calls_in_round += 1
        if self._calls_in_round <= CALLS_IN_ROUND:
            return False
        before, self._rounds = self._rounds, self._instance.rings.rounds
        if before != self._rounds:
            self._calls_in_round = 0
        return before == self._rounds

    async def _put_off(self, adapted: Adapted, method: Method, args: tuple[Any, ...]) -> Any:
        """Calls the provider in the next pass of the event loop."""
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            discard(types.Tuple(tuple(t for _, t in adapted.func.params)), args)
            raise
        result = method.call(*args)
        return await result if inspect.isawaitable(result) else result

    def _wait(self, call: HostCall, task: asyncio.Future[Any]) -> None:
        """The provider's coroutine goes on in the event loop."""
        token = self._instance.rings.token
        call.task = task
        self.tasks[task] = None
        if isinstance(task, asyncio.Task):  # a future has no step to make
            self._instance.started(task)
        done = partial(self._instance.run, partial(self._done, token, call, task))
        if isinstance(task, PromptFuture):
            task.when_done(done)
        else:
            task.add_done_callback(lambda _: done())
        limits = self._instance.limits
        if len(self.tasks) > limits.pending_calls:
            self._instance.fail(limits.reached("pending_calls", f"{len(self.tasks)} calls of the guest are under way"))

    def _suspend(self, call: HostCall, task: asyncio.Future[Any]) -> asyncio.Future[Any]:
        """The provider of a sync-typed function waits, and with it the guest."""
        # The round before this call was none of the driver's: somebody else is runnable.
        self._instance.rings.note_activity()
        call.task = task
        return task

    def _call(self, adapted: Adapted, method: Method) -> Callable[..., Any]:
        if not adapted.in_memory:
            return method.call
        can_fail = isinstance(adapted.func.result, types.Result)
        is_async, may_wait = adapted.func.is_async, adapted.func.is_async or method.may_wait

        def call(*args: Any) -> asyncio.Future[Any] | None:
            is_error = False
            try:
                is_due = is_async and self._is_pause_due()
                value = self._put_off(adapted, method, args) if is_due else method.call(*args)
                if may_wait and (task := eager.begun(value)) is not None:
                    if not task.done():
                        if not is_async:
                            return self._suspend(self._begin(adapted), task)
                        self._wait(self._begin(adapted), task)
                        self._instance.rings.tell_outcome(WAITS)
                        return None
                    value = _result(adapted, task)
            except WitError as error:
                if not can_fail:
                    raise
                value, is_error = error.value, True
            if self._write(adapted, value, is_error):
                return None
            call = self._begin(adapted)
            call.result = (Err if is_error else Ok)(value) if can_fail else value
            self._room_first(call)
            return None

        return call

    def _conclude_call(self, task: asyncio.Future[Any]) -> None:
        call = self._calls[SYNC_TOKEN]
        call.returned(partial(_result, call.adapted, task))
        if self._write(call.adapted, *_value(call)):
            del self._calls[SYNC_TOKEN]
        else:
            self._room_first(call)

    # ---- results in memory

    def _write(self, adapted: Adapted, value: Any, is_error: bool) -> bool:
        """Writes a result into the room that there is; False: it does not fit, or `finish` has to give it."""
        if is_error and adapted.gives_error:
            return False
        self.room.use()
        try:
            self._writers[adapted.index][is_error](value)
        except NoRoom:
            return False
        return True

    def _room_first(self, call: HostCall) -> None:
        """There will be a `finish` with room made for the result."""
        self._ask_room(call)
        self._instance.rings.tell_outcome(ROOM_FIRST)

    def _finish_in_memory(self, token: int) -> None:
        call = self._calls.pop(token)
        self._find_room(call)
        value, is_error = _value(call)
        self._writers[call.adapted.index][is_error](value)

    def _done(self, token: int, call: HostCall, task: asyncio.Future[Any]) -> None:
        self.tasks.pop(task, None)
        if self._instance.closing or self._instance.failure is not None:
            if token not in self._calls:  # else `close` is still to come
                self._give_up(call)
            return
        if call.cancelled:
            self._calls.pop(token, None)
        try:
            call.returned(task.result if call.cancelled else lambda: _result(call.adapted, task))
        except asyncio.CancelledError:
            pass  # as the guest wanted
        except BaseException as error:
            error.add_note(line(f"raised by the provider of {call.adapted.path}"))
            self._instance.fail(error)
            return
        else:
            if call.cancelled:
                self._discard(call)
            elif not call.adapted.makes_pairs:
                call.fits = self.room.fits(self._needed[call.adapted.index], call.result)
        self._instance.rings.submit(Operation.COMPLETE, 0, token, NEEDS_NOTHING if call.fits else NEEDS_UNKNOWN)

    # ---- resume and finish

    def _resume(self, token: int) -> None:
        self._list_needs(self._calls[token])

    def _list_needs(self, call: HostCall) -> None:
        """Tells the adapter component what it must make before `finish`."""
        self._ask_room(call)
        self._instance.rings.ask_pairs(self._kinds_of_pairs(call))

    def _ask_room(self, call: HostCall) -> None:
        adapted = call.adapted
        self.room.ask(self._instance.rings, adapted.path, self._needed[adapted.index], call.result)

    def _kinds_of_pairs(self, call: HostCall) -> list[tuple[int, bool]]:
        """The number of each kind, and whether it is a stream."""
        if not call.adapted.makes_pairs:
            return []
        assert call.adapted.func.result is not None
        try:
            found = list(leaves(call.adapted.func.result, call.result))
        except (AttributeError, TypeError):
            found = []  # not a value of the type, as `finish` will say
        kinds = [
            (self._wiring.kind(t), isinstance(t, types.Stream))
            for t, obj in found
            if isinstance(t, Kind) and not incoming.goes_home(self._instance, t, obj)
        ]
        if len(kinds) > MAX_PAIRS:
            raise LimitError(
                f"{call.adapted.path}: {len(kinds)} streams and futures in one result; {MAX_PAIRS} is the limit"
            )
        indices: dict[int, list[int]] = {}
        for index, (number, _) in enumerate(kinds):
            indices.setdefault(number, []).append(index)
        call.pairs = {number: map(self._instance.rings.pair, of_kind) for number, of_kind in indices.items()}
        return kinds

    def _context_of(self, token: int) -> contextvars.Context:
        return self._calls[token].context

    def _finish(self, token: int) -> Any:
        call = self._finishing = self._calls.pop(token)
        self._find_room(call)
        return _unwrapped(call)

    def _find_room(self, call: HostCall) -> None:
        if call.fits:
            self.room.use()
        elif self._needed[call.adapted.index]:
            self.room.take(self._instance.rings)

    def stream_from_handle(self, kind: Kind, handle: int) -> object:
        return incoming.receive(self._instance, self._wiring.kind(kind), kind, handle)

    def handle_from_stream(self, kind: Kind, obj: Any) -> int:
        if incoming.goes_home(self._instance, kind, obj):
            return obj.give_away()  # type: ignore[no-any-return]
        outgoing.check(kind, obj)
        if self._finishing is None:
            raise UnsupportedTypeError("a stream or future inside the elements of another that a provider returns")
        number = self._wiring.kind(kind)
        readable, writable = next(self._finishing.pairs[number])
        pump = outgoing.feed(self._instance, number, kind, writable, obj)
        pump.origin = f"that the provider of {self._finishing.adapted.path} returned"
        return readable

    # ---- cancel

    def _cancel(self, token: int) -> None:
        call = self._calls[token]
        call.cancelled = True
        if call.task in self.tasks:
            call.task.cancel()  # `_done` comes later, also if the task has ended just now
        else:
            # It was done already, and its completion is on the way: that is a no-op now.
            del self._calls[token]
            self._discard(call)

    def use_memory(self, memory: LinearMemory) -> None:
        """That of the adapter component, once it is there."""
        self.room.numbers.memory = memory

    def release_memory(self) -> None:
        """The memory is gone."""
        del self.room.numbers.memory

    def close(self) -> None:
        """The instance is over: closes what calls hold that began and will not be finished."""
        calls, self._calls = self._calls, {}
        for call in calls.values():
            self._give_up(call)

    def _give_up(self, call: HostCall) -> None:
        """Closes what a call holds that will not be finished, also if its coroutine has ended just now."""
        task, call.task = call.task, None
        if call.result is None and task is not None and task.done():
            with contextlib.suppress(BaseException):
                call.returned(task.result)
        if call.result is not None:
            self._discard(call)
            call.result = None

    def _discard(self, call: HostCall) -> None:
        """Nobody takes this result any more: closes what it holds."""
        if call.adapted.func.result is not None:
            call.context.run(discard, call.adapted.func.result, call.result)

    # ---- values of streams and futures

    def take_values(self, token: int, values: Sequence[Any]) -> None:
        """The next `take` of this token gives these values."""
        self._values[token] = values

    def _take(self, token: int) -> Sequence[Any]:
        self._finishing = None  # there are no pairs of ends for elements
        return self._values.pop(token)

    def untaken_values(self, token: int, kind: Kind) -> None:
        """There will be no `take`: closes what these values hold."""
        values = self._values.pop(token, ())
        if kind.payload is not None:
            discard(types.List(kind.payload), values)

    def expect_values(self, token: int, callback: Callable[[list[Any]], None]) -> None:
        """The next `give` of this token calls back."""
        self._expected[token] = callback

    def _give(self, token: int, values: list[Any]) -> None:
        self._expected.pop(token)(values)


def _result(adapted: Adapted, task: asyncio.Future[Any]) -> Any:
    """What a coroutine came to that the guest did not cancel."""
    try:
        return task.result()
    except asyncio.CancelledError:
        raise ProviderError(f"{adapted.path}: the provider's coroutine was cancelled, but not by us") from None


def _value(call: HostCall) -> tuple[Any, bool]:
    """What the provider returned, or the value of its `WitError`; and whether it is that."""
    if isinstance(call.adapted.func.result, types.Result):
        return call.result.value, isinstance(call.result, Err)
    return call.result, False


def _unwrapped(call: HostCall) -> Any:
    """What the provider returned; raises its `WitError`."""
    value, is_error = _value(call)
    if is_error:
        raise WitError(value)
    return value
