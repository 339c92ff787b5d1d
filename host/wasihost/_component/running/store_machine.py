"""The machine behind an `Instance`: its calls, its pumps, and the store that they live on."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import wasmtime
from wasmtime.component import Linker

from wasihost._base import forks
from wasihost._base.clock import own_time
from wasihost._base.errors import ForkError, GuestTimeout, GuestTrap, InternalError, LimitError, LinkError
from wasihost._base.streams import Unwritten
from wasihost._component import ffi
from wasihost._component.composition.protocol import DRIVER_PAGES, OUT_OF_MEMORY, PAGE, PAGES, WINDOW_PAGES
from wasihost._component.resources import ResourceTable
from wasihost._component.running import engine, memory
from wasihost._component.running.exports.calls import GuestCalls, closed
from wasihost._component.running.imports.calls import HostCalls
from wasihost._component.running.imports.providers import Method
from wasihost._component.running.imports.window import Window
from wasihost._component.running.linked import Linked
from wasihost._component.running.loop import polling
from wasihost._component.running.loop.deadline import Deadline
from wasihost._component.running.loop.driving import Driver
from wasihost._component.running.loop.epochs import EpochClock
from wasihost._component.running.loop.polling import Poller
from wasihost._component.running.loop.scheduling import CountedTimeSlice
from wasihost._component.running.loop.suspension import Suspension
from wasihost._component.running.memory import Account
from wasihost._component.running.options import RunOptions
from wasihost._component.running.stats import Stats
from wasihost._component.running.store_context import StoreContext, contexts
from wasihost._component.running.streams.blocks import Block
from wasihost._component.running.streams.incoming import ByteInPump, FutureReader, Reader
from wasihost._component.running.streams.pumps import Pump
from wasihost._component.running.streams.rings import Rings
from wasihost._component.world import types
from wasihost._component.world.wiring import Kind

FEW = 4


class StoreMachine(StoreContext):
    """The `Machine` of one component, in a store of Wasmtime."""

    def __init__(
        self,
        linked: Linked,
        providers: Mapping[str, object],
        store: wasmtime.Store,
        linker: Linker,
        table: ResourceTable,
        options: RunOptions,
    ) -> None:
        super().__init__(table, linked.binds, ffi.context_address(store))
        self._linked = linked
        self._providers = providers
        self._observer = options.observer
        self.limits = limits = options.limits
        above = options.total or Account("total_memory_bytes", limits.total_memory_bytes)
        self.relayed: Mapping[int, Kind] = linked.linking.wiring.relayed
        self._has_window = bool(linked.linking.wiring.windowed)
        # The driver component's memory counts among the guest's until it is known to be the last, and the window too.
        ours = (DRIVER_PAGES + WINDOW_PAGES * self._has_window) * PAGE
        self._guest_memory = Account("memory_bytes", limits.memory_bytes + ours, above)
        self._values_memory = Account("values_in_flight_bytes", limits.values_in_flight_bytes, above)
        self._is_one_run = options.is_one_run
        self._deadline: Deadline | None = None
        self._timeout: GuestTimeout | None = None
        self.stats = options.stats or Stats()
        self.rings: Rings
        self._memories: list[memory.LinearMemory] = []
        self.waiting: set[object] = set()
        self.closing = False
        self._store = store
        self._linker = linker
        # Only where no other call can come is an idle guest with nothing under way an error.
        self._detect_deadlock = options.detect_deadlock
        self.host_calls = HostCalls(self, linked.imports, self.call_of)
        self.guest_calls = GuestCalls(self, linked.exports)
        self.adapter_lists = self.host_calls.lists
        self.driver_lists = self.guest_calls.lists
        self._pumps: dict[Pump, None] = {}  # in order: closing them is what others see
        self._unwritten = Unwritten() if options.unwritten is None else options.unwritten
        self._unwritten.when_less = self.drained
        self._drained: asyncio.Future[None] | None = None
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.failure: BaseException | None = None
        self._instance: Any = None
        self._driver: Driver | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._forks = forks.count()
        self._clock = EpochClock.of(store.engine)
        self._poller = Poller(self, self.stats, limits)

    @cached_property
    def window(self) -> Window:
        """The guest's window, if it has one."""
        return Window(self.limits)

    def call_of(self, method: Method) -> Callable[..., Any]:
        """What to call for a provider's method."""
        call = self._linked.linking.call_of(method, self._providers)
        if self._observer is not None:
            call = method.observed(call, self._observer)
        return call if method.passage is None else self.window.passing(method, call)

    def turn(self) -> None:
        """The adapter component's `turn`."""
        self.stats.turns += 1
        self.rings.turn()

    async def drain(self) -> None:
        """See `Instance.drain`."""
        forks.check(self._forks, forks.INSTANCE)
        while self._unwritten or any(isinstance(pump, ByteInPump) and pump.is_draining for pump in self._pumps):
            if self._timeout is not None:
                raise self._timeout
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        if self._unwritten.error is not None:
            raise self._unwritten.error

    # ---- opening and closing

    async def start(self) -> None:
        """Instantiates the component, which is driven as soon as there is something to do."""
        contexts[self.store_context] = self
        engine.check_faulthandler()
        await polling.outside_of_polls()
        self.loop = asyncio.get_running_loop()
        ffi.yield_on_epochs(self._store)
        if (own := own_time()) is not None:
            self._poller.time_slice = CountedTimeSlice(own, self._store)
        takers = [self.host_calls.use_memory]
        if self._has_window:
            takers.append(self.window.use_memory)
        recording = memory.MemoryObserver(self._guest_memory, takers, self._linked.images)
        call, instance = ffi.instantiate(self._linker, self._store, self._linked.component)
        if self.limits.run_time_s is not None:
            self._deadline = Deadline(self.limits.run_time_s, self._time_out)
        try:
            await self._poller.instantiate(call, recording, self._clock)
        except GuestTrap as error:
            if "not found in the linker" in str(error):
                raise LinkError(*error.args) from None
            raise self._explained(error) from None
        if self._deadline is not None and not self._is_one_run:
            self._deadline.cancel()
        self._take_memories(recording)
        self._instance = instance

    def _take_memories(self, recording: memory.MemoryObserver) -> None:
        """Finds those of adapter and driver component: the first and the last, see `memory.MemoryObserver`."""
        made = recording.memories[recording.memories[0].minimum == 0 :]
        adapter, driver = self._memories = [made[0], made[-1]]
        self.guest_calls.use_memory(driver)
        self.rings = Rings(adapter.view(), self.wake, self.limits.buffered_bytes)
        if (adapter.size, driver.size) != (PAGES * PAGE, DRIVER_PAGES * PAGE):
            raise InternalError("the first and last memory of the store are not those of adapter and driver component")
        for ours in (*made[: 1 + self._has_window], driver):
            ours.count_from_here(self._values_memory)
        self._guest_memory.limit = self.limits.memory_bytes

    async def close(self) -> None:
        """Ends the component, whatever it is doing, and closes all that it held, also when cancelled meanwhile.

        In a process that was forked meanwhile it does nothing: sockets and streams are the parent's too.
        """
        if self.closing or self._forks != forks.count():
            return
        self.closing = True
        if self._deadline is not None:
            self._deadline.cancel()
        is_calling = bool(self.guest_calls)
        if is_calling:
            self.guest_calls.fail(closed())
        tasks: dict[asyncio.Future[Any], None] = dict.fromkeys([*self._tasks, *self.host_calls.tasks])
        if self._poller.suspension is not None:
            tasks[self._poller.suspension.task] = None
        others = _but_this(tasks)
        for task in others:
            task.cancel()
        try:
            await polling.outside_of_polls()
        finally:
            self._stop_driving()
            await self._close_when_over(others, is_calling)

    async def _close_when_over(self, tasks: Sequence[asyncio.Future[Any]], is_calling: bool) -> None:
        """Closes all that it held, when these have ended."""
        try:
            if is_calling:
                await asyncio.sleep(0)  # callers learn of the end before what the guest holds is dropped
            await _over(tasks)
        finally:
            for pump in list(self._pumps):
                pump.abandon()
            self._unwritten.abandon()
            try:
                await _over(_but_this(self._tasks))  # async generators that close
            finally:
                self._close_store()

    async def close_because_of(self, error: BaseException) -> None:
        """As `close`, after this error, which an exception of closing does not hide."""
        try:
            await self.close()
        except Exception as another:
            error.add_note(f"and closing the instance raised {another!r}")

    def _close_store(self) -> None:
        if self._memories:  # which are large: they shall not wait for Python's collector
            self._memories.clear()
            self.rings.close()
            self.guest_calls.close()
            self.host_calls.release_memory()
            if self._has_window:
                self.window.release_memory()
        if self.limits.fuel is not None:
            with contextlib.suppress(wasmtime.WasmtimeError):  # an embedder's store, of an engine that counts none
                self.stats.fuel = self.limits.fuel - self._store.get_fuel()
        self._store.close()
        contexts.pop(self.store_context, None)
        if self._linker is not self._linked.linker:
            self._linker.close()
        try:
            self.host_calls.close()
        finally:
            self.stats.end()
            self.table.clear()
            self._let_go()

    def _let_go(self) -> None:
        """Lets go of all that refers to this instance, or else it would be for Python's collector to free them.

        The linked callbacks hold the classes of providers, one of which may know this instance.
        """
        del self._linked, self._linker, self._poller, self.host_calls, self.guest_calls
        self.functions.clear()
        self._unwritten.when_less = _nothing
        self._deadline = None

    # ---- driving

    def _begin_driving(self) -> ffi.Call:
        return ffi.call_export(self._instance, self._store, self._linked.drive)

    def _stop_driving(self) -> None:
        if self._driver is not None:
            self._driver.stop()
            self._driver = None

    def _failed(self, error: BaseException) -> None:
        if self.closing:
            return
        failure = self._explained(error)
        self.guest_calls.fail(failure)  # which takes what has returned: afterwards `returned` refuses to
        self.failure = failure
        for pump in self._pumps:
            pump.guest_failed(failure)

    def _explained(self, error: BaseException) -> BaseException:
        """The error with which the instance ended: LimitError if it trapped after it was refused memory."""
        if not isinstance(error, GuestTrap):
            return error
        values = self._values_memory
        guest = self._guest_memory
        why, *backtrace = error.args
        if values.lacks_addresses or guest.lacks_addresses:
            limit = LimitError(f"{polling.NO_MEMORY}: {why}", backtrace=backtrace)
        elif values.refused is not None or any(made.pages[OUT_OF_MEMORY] for made in self._memories):
            name = values.refused.name if values.refused else "values_in_flight_bytes"
            limit = self.limits.reached(name, "values in flight take more", backtrace)
        elif guest.refused is not None:
            limit = self.limits.reached(guest.refused.name, f"the guest got no more memory: {why}", backtrace)
        else:
            return error
        limit.__cause__ = error
        return limit

    def wake(self) -> None:
        """There is something to do: polls again."""
        if self.closing:
            return
        if self._driver is not None:
            self._driver.wake()
        elif self._instance is not None:
            self._driver = Driver(
                self._poller,
                self._clock,
                self._begin_driving,
                self.rings,
                self._deadlock,
                self._failed,
                self.caller_context.copy(),
            )

    def run(self, ready: Callable[[], None]) -> None:
        """Runs what an event made ready, from a callback of the event loop that has nothing else to do."""
        # Where much is waited for, much may be ready in the same pass: one poll for all of it is cheaper.
        try:
            if self._driver is None or len(self.waiting) + len(self.host_calls.tasks) > FEW:
                ready()
            else:
                self._driver.run(ready)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # the event loop would only log it
            self.fail(error)

    def returned(self) -> None:
        """A call of an export has ended: its waiter can go on, but not in the child of a fork."""
        if self.failure is not None:
            raise self.failure
        self._poller.others_can_run = True

    def fail(self, error: BaseException) -> None:
        """Ends the instance with this exception."""
        if self.exception is None:
            self.exception = error
        if not self.closing:
            self._poller.resume()
            self.wake()

    def fail_from_any_thread(self, error: BaseException) -> None:
        """As `fail`, also while the guest holds up the event loop: it ends when it next gives control back."""
        if self.exception is None:
            self.exception = error
        assert self.loop is not None
        with contextlib.suppress(RuntimeError):  # the event loop is closed
            self.loop.call_soon_threadsafe(self.fail, error)

    # ---- time

    def time_call(self, call: asyncio.Future[Any]) -> None:
        if self.limits.run_time_s is not None and not self._is_one_run:
            deadline = Deadline(self.limits.run_time_s, lambda: None if call.done() else self._time_out())
            call.add_done_callback(lambda _: deadline.cancel())

    def _time_out(self) -> None:
        self._timeout = cast(GuestTimeout, self.limits.reached("run_time_s", "the guest took longer"))
        self.fail(self._timeout)
        self.drained()

    def start_task(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs a provider's coroutine."""
        task = asyncio.create_task(coroutine)
        self.started(task)
        return task

    def started(self, task: asyncio.Task[Any]) -> None:
        """A provider's coroutine runs in the event loop, and is cancelled when the instance is closed."""
        self._poller.started()
        self._tasks[task] = None
        task.add_done_callback(lambda _: self._tasks.pop(task, None))

    def _deadlock(self) -> str | None:
        """What the guest waits for in vain; None if something is under way outside of it, or might be."""
        if not (self._detect_deadlock and self.guest_calls) or self.waiting or self.host_calls.tasks:
            return None
        ends = [type(pump.kind).__name__.lower() for pump in self._pumps]
        return (
            f"the guest waits for ever: {', '.join(self.guest_calls.paths)} did not return, nothing is under way "
            f"outside of it, and it holds these ends of ours: {', '.join(ends) or 'none'}"
        )

    def suspend(self, suspension: Suspension) -> None:
        self._poller.suspend(suspension)

    # ---- the `CallContext` of plans, the `Machine` of pumps

    @property
    def can_be_resumed(self) -> bool:
        if self.waiting or self.host_calls.tasks or not self.rings.is_quiet:
            return True
        return bool(self._pumps) and any(isinstance(pump, Reader | FutureReader) for pump in self._pumps)

    def stream_from_handle(self, kind: types.Stream | types.Future, handle: int) -> object:
        return self.host_calls.stream_from_handle(kind, handle)

    def handle_from_stream(self, kind: types.Stream | types.Future, obj: Any) -> int:
        calls = self.guest_calls if self.guest_calls.is_preparing else self.host_calls
        return calls.handle_from_stream(kind, obj)

    def guest_resource(self, resource: types.Resource, handle: int, owned: bool) -> object:
        return self.guest_calls.guest_resource(resource, handle)

    def guest_handle(self, resource: types.Resource, obj: Any, own: bool) -> int:
        return self.guest_calls.guest_handle(resource, obj, own)

    def place_values(self, number: int, values: Sequence[Any], block: Block) -> tuple[int, int]:
        return self.host_calls.elements.place(number, values, block)

    def take_values(self, token: int, values: Sequence[Any]) -> None:
        self.host_calls.elements.take_values(token, values)

    def untaken_values(self, token: int, kind: types.Stream | types.Future) -> None:
        self.host_calls.elements.untaken_values(token, kind)

    def await_future(self, number: int, end: int, resolved: Callable[[list[Any]], None]) -> None:
        self.guest_calls.await_future(number, end, resolved)

    def expect_values(self, token: int, callback: Callable[[list[Any]], None]) -> None:
        self.host_calls.elements.expect_values(token, callback)

    def opened(self, pump: Pump) -> None:
        self._pumps[pump] = None
        if len(self._pumps) > self.limits.streams:
            self.fail(self.limits.reached("streams", "the host holds too many ends of streams and futures"))

    def closed(self, pump: Pump) -> None:
        self._pumps.pop(pump, None)

    def drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)


def _nothing() -> None:
    pass


def _leave_to_parent() -> None:
    """In the child of a fork: every instance is the parent's."""
    for machine in contexts.values():
        if isinstance(machine, StoreMachine):
            machine.failure = ForkError(forks.INSTANCE)
            machine.exception = machine.failure


os.register_at_fork(after_in_child=_leave_to_parent)


def _but_this(tasks: Iterable[asyncio.Future[Any]]) -> list[asyncio.Future[Any]]:
    """Those tasks without the one that runs, which may be a provider's."""
    found = list(tasks)
    this = asyncio.current_task() if found else None
    return [task for task in found if task is not this]


async def _over(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Returns when all of them have ended; cancelling this cancels them once more."""
    cancelled: asyncio.CancelledError | None = None
    is_first = True
    while pending := [task for task in tasks if not task.done()]:
        try:
            if is_first:
                is_first = False
                await asyncio.sleep(0)  # mostly enough; `wait` would take two passes more
            else:
                await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
            for task in pending:
                task.cancel()
    for task in tasks:
        if not task.cancelled():
            task.exception()  # there is no other reader
    if cancelled is not None:
        raise cancelled
