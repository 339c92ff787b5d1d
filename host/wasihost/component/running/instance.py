"""A running component: the asyncio loop that polls its store.

Theory of operation. One asyncio.Task, the driver, polls the store's only top-level call, `drive`. Within a poll the
guest runs; the adapter component calls `Rings.turn`, the driver component `next`. A poll gives control back when
Wasmtime has nothing left but tasks that yielded, of which the driver component is always one.

* Nobody is runnable when two polls in a row had a round each in which nothing happened: the driver awaits `wake`.
* A poll without a round: somebody else is runnable (a guest that yields, or one stopped by an epoch). Poll on.
* The event loop gets a pass as soon as somebody there can go on: a provider's coroutine, or who waits for an export.
  However busy the guest is, it gets one every millisecond.
* Exceptions of callbacks wait in the context and are raised after the poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import wasmtime
from wasmtime.component import Component, Linker

from wasihost.component import ffi
from wasihost.component.composition import compose
from wasihost.component.composition.protocol import PAGE, PAGES
from wasihost.component.conversion.plans import Plans
from wasihost.component.resources import ResourceTable
from wasihost.component.running import callbacks, engine, interrupts, memory
from wasihost.component.running.callbacks import Context, Suspension
from wasihost.component.running.guestcalls import GuestCalls
from wasihost.component.running.hostcalls import HostCalls
from wasihost.component.running.incoming import ByteInPump
from wasihost.component.running.linking import Linking, Registrar
from wasihost.component.running.pumps import Pump
from wasihost.component.running.rings import Rings
from wasihost.component.values import Classes
from wasihost.component.world import types
from wasihost.component.world.wiring import Wiring
from wasihost.errors import DeadlockError, GuestExit, GuestTrap, InternalError, LimitError, LinkError

# How long a busy guest keeps the event loop before others get a pass.
PASS_SECONDS = 0.001
HANDLE_LIMIT = (
    "the guest reached Wasmtime's limit of 100,000 handles in one store: resources, streams, futures, calls, on both "
    "sides of the adapter component; that is about 11,000 connections open in both directions"
)
CLOSED = "this instance is closed"


class Instance(Context):
    """A component that runs; everything happens on one event loop, in one thread. Made by `Host.open`."""

    def __init__(
        self,
        component: Component,
        wiring: Wiring,
        linking: Linking,
        store: wasmtime.Store,
        linker: Linker,
        table: ResourceTable,
        *,
        detect_deadlock: bool = False,
    ) -> None:
        super().__init__(table)
        self.rings: Rings
        self.waiting: set[object] = set()
        self.closing = False
        self._component, self._store, self._linker = component, store, linker
        # Only where no other call can come is an idle guest with nothing under way an error.
        self._detect_deadlock = detect_deadlock
        self._host_calls = HostCalls(self, wiring, linking)
        self._guest_calls = GuestCalls(self, wiring, linking)
        self._pumps: set[Pump] = set()
        self._suspension: Suspension | None = None
        self._waker: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._others_can_run = False
        self._failure: BaseException | None = None
        self._driver: asyncio.Task[None] | None = None
        self._clock = engine.EpochClock.of(store.engine)
        self._registrar = Registrar(linker, self, self._suspend)
        self._register(linking, wiring)

    def _register(self, linking: Linking, wiring: Wiring) -> None:
        registrar = self._registrar
        registrar.add_direct(linking)
        plain = Plans(Classes(types.Interface({})), linking.resources, wiring.guest_resources)
        with registrar.linker.root() as root:
            with root.add_instance(compose.ADAPTER_HOST) as instance:
                ffi.add_func(
                    instance, "turn", callbacks.word_callback(self, "turn", types.U32, lambda n: self.rings.turn(n))
                )
                self._host_calls.register(instance, registrar, plain)
            with root.add_instance(compose.DRIVER_HOST) as instance:
                self._guest_calls.register(instance, registrar, plain)

    async def call(self, name: str, *args: Any) -> Any:
        """Calls an export by its WIT path, `ns:pkg/iface@1.2.3#func`, or `func` for one outside of any interface.

        The version may be left out. A `result` comes back as its ok value; err raises `WitError`. Many calls may be
        under way at once; cancelling one cancels only that one.

        Errors: TypeError for wrong arguments, LookupError for an unknown name, GuestTrap, GuestExit, and whatever a
        provider raised.
        """
        if self.closing:
            raise RuntimeError(CLOSED)
        if self._failure is not None:
            raise self._failure
        return await self._guest_calls.call(name, args)

    async def drain(self) -> None:
        """Waits until all that the guest wrote before it ended has left, as far as somebody takes it."""
        while any(isinstance(pump, ByteInPump) and pump.is_draining for pump in self._pumps):
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    # ---- opening and closing

    async def start(self) -> None:
        """Instantiates the component and begins to drive it."""
        engine.check_faulthandler()
        ffi.yield_on_epochs(self._store)
        recording = memory.Recording()
        call, instance = ffi.instantiate(self._linker, self._store, self._component)
        try:
            with contextlib.closing(call), self._running():
                over = False
                while not over:
                    with recording:
                        over = self._poll(call)
                    if not over:
                        await self._let_others_run()
        except GuestTrap as error:
            if "not found in the linker" in str(error):
                raise LinkError(str(error)) from None
            raise
        if not recording.memories or recording.memories[0].size != PAGES * PAGE:
            raise InternalError("the first memory of the store is not the adapter component's")
        self.rings = Rings(recording.memories[0].view(), self.wake)
        self._driver = asyncio.create_task(self._drive(instance), name="wasihost driver")

    async def close(self) -> None:
        """Ends the component, whatever it is doing, and closes everything it held."""
        if self.closing:
            return
        self.closing = True
        self._guest_calls.fail(RuntimeError(CLOSED))
        tasks: list[asyncio.Future[Any]] = list(self._tasks)
        if self._driver is not None:
            tasks.append(self._driver)
        if self._suspension is not None:
            tasks.append(self._suspension.task)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pump in list(self._pumps):
            pump.abandon()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # async generators that close
        self._store.close()
        self._linker.close()
        try:
            self._host_calls.close()
        finally:
            self.table.clear()

    # ---- driving

    async def _drive(self, instance: Any) -> None:
        call = ffi.call_export(instance, self._store, "drive")
        try:
            with contextlib.closing(call), self._running():
                await self._poll_on(call)
        except BaseException as error:
            self._failure = error
            self._guest_calls.fail(error)
            if not isinstance(error, Exception):
                raise

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        self._clock.start()
        try:
            with interrupts.deferring():
                yield
        finally:
            self._clock.stop()

    async def _poll_on(self, call: ffi.Call) -> None:
        rings = self.rings
        quiet_polls = 0
        next_pass = time.monotonic() + PASS_SECONDS
        while True:
            rounds = rings.rounds
            if self._poll(call):
                return
            had_round = rings.rounds != rounds
            begun = self._others_can_run or self._suspension is not None
            quiet_polls = quiet_polls + 1 if had_round and rings.quiet and not begun else 0
            rings.quiet = True
            if quiet_polls >= 2 and not rings.is_wanted:
                await self._idle()
                quiet_polls = 0
            elif not begun and time.monotonic() < next_pass:
                continue
            else:
                await self._let_others_run()
            next_pass = time.monotonic() + PASS_SECONDS

    async def _let_others_run(self) -> None:
        self._others_can_run = False
        if self._suspension is not None:
            await asyncio.wait([self._suspension.task])
        else:
            await asyncio.sleep(0)

    async def _idle(self) -> None:
        """Waits until somebody wakes the machine."""
        if self._looks_dead:
            # What was resolved just now is told in the next pass.
            await asyncio.sleep(0)
            if self.rings.is_wanted:
                return
            if self._looks_dead:
                raise DeadlockError(self._describe_deadlock())
        self._waker = asyncio.get_running_loop().create_future()
        self._clock.stop()
        try:
            await self._waker
        finally:
            self._waker = None
            self._clock.start()

    @property
    def _looks_dead(self) -> bool:
        under_way = self.waiting or self._host_calls.tasks
        return self._detect_deadlock and bool(self._guest_calls) and not under_way

    def wake(self) -> None:
        """There is something to do: polls again."""
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)

    def _poll(self, call: ffi.Call) -> bool:
        """Runs the guest until it can go no further; raises what stopped it for good."""
        if self.exception is not None:
            raise self.exception
        trap: wasmtime.WasmtimeError | None = None
        over = False
        interrupts.begin_poll()
        try:
            over = call.poll()
        except wasmtime.WasmtimeError as error:
            trap = error
        finally:
            interrupts.end_poll()
        for found in (self.exception, trap):
            if isinstance(found, wasmtime.WasmtimeError) and "handle limit exceeded" in str(found):
                raise LimitError(HANDLE_LIMIT) from found
        if self.exception is not None:
            raise self.exception
        if isinstance(trap, wasmtime.ExitTrap):  # from wasi:cli/exit of Wasmtime's own WASI 0.2
            raise GuestExit(trap.code)
        if trap is not None:
            raise GuestTrap(str(trap)) from trap
        return over

    def returned(self) -> None:
        """A call of an export is over: whoever waits for it can go on."""
        self._others_can_run = True

    def fail(self, error: BaseException) -> None:
        """Ends the instance with this exception."""
        if self.exception is None:
            self.exception = error
        self.wake()

    def start_task(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs a provider's coroutine."""
        self._others_can_run = True
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _suspend(self, suspension: Suspension) -> None:
        self._suspension = suspension
        suspension.task.add_done_callback(self._resume)

    def _resume(self, _task: object) -> None:
        self._suspension = None

    def _describe_deadlock(self) -> str:
        ends = [type(pump.kind).__name__.lower() for pump in self._pumps]
        return (
            f"the guest waits for ever: {', '.join(self._guest_calls.paths)} did not return, nothing is under way "
            f"outside of it, and it holds these ends of ours: {', '.join(ends) or 'none'}"
        )

    # ---- the `CallContext` of plans, the `Machine` of pumps

    def stream_from_handle(self, kind: types.Stream | types.Future, handle: int) -> object:
        return self._host_calls.stream_from_handle(kind, handle)

    def handle_from_stream(self, kind: types.Stream | types.Future, obj: Any) -> int:
        return self._host_calls.handle_from_stream(kind, obj)

    def guest_resource(self, resource: types.Resource, handle: int, owned: bool) -> object:
        return self._guest_calls.guest_resource(resource, handle)

    def guest_handle(self, resource: types.Resource, obj: Any, own: bool) -> int:
        return self._guest_calls.guest_handle(resource, obj, own)

    def take_values(self, token: int, values: Sequence[Any]) -> None:
        self._host_calls.take_values(token, values)

    def untaken_values(self, token: int, kind: types.Stream | types.Future) -> None:
        self._host_calls.untaken_values(token, kind)

    def expect_values(self, token: int, callback: Callable[[list[Any]], None]) -> None:
        self._host_calls.expect_values(token, callback)

    def opened(self, pump: Pump) -> None:
        self._pumps.add(pump)

    def closed(self, pump: Pump) -> None:
        self._pumps.discard(pump)

    def drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
