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
from collections.abc import Callable
from functools import partial
from typing import Any

from wasmtime.component import LinkerInstance

from wasihost._base import eager
from wasihost._base.quoting import line
from wasihost._base.streams import PromptFuture
from wasihost._component.composition import protocol
from wasihost._component.composition.protocol import NEEDS_NOTHING, NEEDS_UNKNOWN, PENDING, READY, WAITS, Operation
from wasihost._component.conversion.plans import Plans
from wasihost._component.running.imports.call import HostCall, provider_result
from wasihost._component.running.imports.callbacks import Conclude, expect_nothing
from wasihost._component.running.imports.elements import Elements, ExportPlans, Placers
from wasihost._component.running.imports.linking import Linking, Registrar
from wasihost._component.running.imports.pauses import Pauses, put_off
from wasihost._component.running.imports.providers import Method
from wasihost._component.running.imports.results import Results, Room, Writers
from wasihost._component.running.imports.window import concluding
from wasihost._component.running.machine import Machine
from wasihost._component.running.memory import LinearMemory
from wasihost._component.running.streams import incoming
from wasihost._component.values import Err, Ok, WitError
from wasihost._component.world import types
from wasihost._component.world.wiring import TOKEN, Adapted, Kind

SYNC_TOKEN = protocol.TOKEN
"""Of the sync call that is being made: there is one at most."""


class HostFunctions:
    """The adapted functions of a component, as all its instances share them."""

    def __init__(self, linking: Linking, exports: ExportPlans) -> None:
        self.linking = linking
        self.wiring = linking.wiring
        self._plans = {name: linking.plans_of(classes, "adapter_lists") for name, classes in linking.classes.items()}
        self.writers = Writers(self._plans, self.wiring.adapted)
        self.placers = Placers(linking, exports)

    def register(self, instance: LinkerInstance, registrar: Registrar, plain: Plans) -> None:
        """Registers all that the adapter component calls for these."""
        token = types.Func(TOKEN, None)
        registrar.add(instance, "cancel", "cancel", token, plain, lambda machine: machine.host_calls.cancel)
        registrar.add(instance, "resume", "resume", token, plain, lambda machine: machine.host_calls.resume)
        for adapted in self.wiring.adapted:
            self._register(instance, registrar, adapted)

    def _register(self, instance: LinkerInstance, registrar: Registrar, adapted: Adapted) -> None:
        method = self.linking.methods[adapted.interface, adapted.name]
        plans = self._plans[adapted.interface]
        suspends = method.may_wait and not adapted.func.is_async
        # The function's own types and not those of its host's side: the plans know how streams and lists travel.
        params = adapted.func.params
        result = adapted.func.result
        conclude: Conclude
        if adapted.at_once:
            word = "call"
            conclude = _conclude_call if adapted.in_memory else concluding(method)
            func = types.Func(params, None if adapted.in_memory else result)
        else:
            word = "start"
            conclude = _conclude_start
            func = types.Func(params, types.U32)
        registrar.add(
            instance,
            f"{word}-{adapted.index}",
            adapted.path,
            func,
            plans,
            lambda machine: machine.host_calls.beginning(adapted, method),
            suspends,
            adapted.takes_words,
            conclude=conclude,
        )
        if "finish" in adapted.host:
            writes = adapted.in_memory and not adapted.gives_error
            func = types.Func(TOKEN, None if writes else result)
            registrar.add_finish(
                instance,
                f"finish-{adapted.index}",
                adapted.path,
                func,
                plans,
                lambda machine: machine.host_calls.finishing(writes),
            )


def _conclude_call(machine: Any, task: asyncio.Future[Any]) -> None:
    machine.host_calls.conclude_call(task)


def _conclude_start(machine: Any, task: asyncio.Future[Any]) -> int:
    state: int = machine.host_calls.conclude_start(task)
    return state


class HostCalls:
    """The calls of one instance. `call_of` gives what to call for a provider's method."""

    def __init__(
        self, instance: Machine, functions: HostFunctions, call_of: Callable[[Method], Callable[..., Any]]
    ) -> None:
        self._instance = instance
        self._wiring = functions.wiring
        self._call_of = call_of
        self._calls: dict[int, HostCall] = {}
        self.tasks: dict[asyncio.Future[Any], None] = {}
        """The coroutines of providers whose results are yet to come."""
        self._pauses = Pauses(instance)
        room = Room(instance.limits)
        self.lists = room.lists
        self._results = Results(instance, functions.wiring, room, functions.writers)
        self.elements = Elements(self._results, room.lists, functions.placers)

    def beginning(self, adapted: Adapted, method: Method) -> Callable[..., Any]:
        """The `call` or `start` of a function."""
        call = self._call_of(method)
        may_wait = adapted.func.is_async or method.may_wait
        if not adapted.at_once:
            return self._start(adapted, call, may_wait)
        return self._call(adapted, call, may_wait) if adapted.in_memory else call

    # ---- start

    def _begin(self, adapted: Adapted) -> HostCall:
        call = self._calls[self._instance.rings.token] = HostCall(adapted)
        return call

    def _start(self, adapted: Adapted, method: Callable[..., Any], may_wait: bool) -> Callable[..., Any]:
        is_async = adapted.func.is_async

        def start(*args: Any) -> int | asyncio.Future[Any]:
            token = self._instance.rings.token
            call = self._begin(adapted)
            try:
                is_due = is_async and self._pauses.is_due()
                result = put_off(adapted, method, args) if is_due else method(*args)
                if may_wait and (task := eager.begun(result)) is not None:
                    if not task.done():
                        if not is_async:
                            return self._suspend(call, task)
                        self._wait(call, task)
                        return PENDING
                    result = provider_result(adapted, task)
                call.succeeded(result)
            except WitError as error:
                call.failed(error)
            return self._ready(token, call)

        return start

    def _ready(self, token: int, call: HostCall) -> int:
        if call.adapted.func.result is not None:
            self._results.list_needs(call)
        else:
            self._calls.pop(token)
            expect_nothing(call.result)
        return READY

    def conclude_start(self, task: asyncio.Future[Any]) -> int:
        """The provider of a sync function has waited: gives the state of its `start`."""
        call = self._calls[SYNC_TOKEN]
        call.returned(partial(provider_result, call.adapted, task))
        return self._ready(SYNC_TOKEN, call)

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
        # The round before this call was none of the driver's: another task is runnable.
        self._instance.rings.is_quiet = False
        call.task = task
        return task

    def _call(self, adapted: Adapted, method: Callable[..., Any], may_wait: bool) -> Callable[..., Any]:
        can_fail = isinstance(adapted.func.result, types.Result)
        is_async = adapted.func.is_async

        def call(*args: Any) -> asyncio.Future[Any] | None:
            is_error = False
            try:
                is_due = is_async and self._pauses.is_due()
                value = put_off(adapted, method, args) if is_due else method(*args)
                if may_wait and (task := eager.begun(value)) is not None:
                    if not task.done():
                        if not is_async:
                            return self._suspend(self._begin(adapted), task)
                        self._wait(self._begin(adapted), task)
                        self._instance.rings.tell_outcome(WAITS)
                        return None
                    value = provider_result(adapted, task)
            except WitError as error:
                if not can_fail:
                    raise
                value = error.value
                is_error = True
            if self._results.write(adapted, value, is_error):
                return None
            call = self._begin(adapted)
            call.result = (Err if is_error else Ok)(value) if can_fail else value
            self._results.room_first(call)
            return None

        return call

    def conclude_call(self, task: asyncio.Future[Any]) -> None:
        """The provider of a sync function has waited: gives the result of its `call`."""
        call = self._calls[SYNC_TOKEN]
        call.returned(partial(provider_result, call.adapted, task))
        if self._results.write(call.adapted, *call.outcome):
            del self._calls[SYNC_TOKEN]
        else:
            self._results.room_first(call)

    def _done(self, token: int, call: HostCall, task: asyncio.Future[Any]) -> None:
        self.tasks.pop(task, None)
        if self._instance.closing or self._instance.failure is not None:
            if token not in self._calls:  # else `close` is still to come
                self._give_up(call)
            return
        if call.cancelled:
            self._calls.pop(token, None)
        try:
            call.returned(task.result if call.cancelled else lambda: provider_result(call.adapted, task))
        except asyncio.CancelledError:
            pass  # as the guest wanted
        except BaseException as error:
            error.add_note(line(f"raised by the provider of {call.adapted.path}"))
            self._instance.fail(eager.failure_of(task, error, f"the provider of {call.adapted.path}"))
            return
        else:
            if call.cancelled:
                call.discard()
            else:
                call.fits = self._results.fits(call)
        self._instance.rings.submit(Operation.COMPLETE, 0, token, NEEDS_NOTHING if call.fits else NEEDS_UNKNOWN)

    # ---- resume and finish

    def resume(self, token: int) -> None:
        """Lists what must be made for a result."""
        self._results.list_needs(self._calls[token])

    def finishing(self, writes: bool) -> Callable[[int], tuple[contextvars.Context, Callable[[], Any]]]:
        """The `finish` of a function, which `writes` the result into memory or gives it."""
        finish: Callable[[HostCall], Any] = self._results.finish_in_memory if writes else self._results.finish

        def begin(token: int) -> tuple[contextvars.Context, Callable[[], Any]]:
            call = self._calls.pop(token)
            return call.context, partial(finish, call)

        return begin

    def stream_from_handle(self, kind: Kind, handle: int) -> object:
        return incoming.receive(self._instance, self._wiring.kind(kind), kind, handle)

    def handle_from_stream(self, kind: Kind, obj: Any) -> int:
        return self._results.handle_from_stream(kind, obj)

    # ---- cancel

    def cancel(self, token: int) -> None:
        """The guest gave a call up."""
        call = self._calls[token]
        call.cancelled = True
        if call.task in self.tasks:
            call.task.cancel()  # `_done` comes later, also if the task has ended just now
        else:
            # It was done already, and its completion is on the way: that is a no-op now.
            del self._calls[token]
            call.discard()
            call.discard()

    def use_memory(self, memory: LinearMemory) -> None:
        """That of the adapter component, once it is there."""
        self.lists.memory = memory

    def release_memory(self) -> None:
        """The memory is gone."""
        del self.lists.memory

    def close(self) -> None:
        """The instance has ended: closes the values of calls that began and will not be finished."""
        calls = self._calls
        self._calls = {}
        for call in calls.values():
            self._give_up(call)

    def _give_up(self, call: HostCall) -> None:
        """Closes what a call holds that will not be finished, also if its coroutine has ended just now."""
        task = call.task
        call.task = None
        if call.result is None and task is not None and task.done() and not task.cancelled():
            with contextlib.suppress(BaseException):
                call.returned(task.result)
        if call.result is not None:
            call.discard()
            call.result = None
