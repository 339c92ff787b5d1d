"""Pumps for the streams and futures that the guest passed; see `pumps` for the theory of operation."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from wasihost._base.streams import ByteSink, GuestByteStream, GuestFuture, GuestValueStream
from wasihost._component.composition.protocol import BLOCK_SIZE, DROPPED, Operation
from wasihost._component.running.machine import Machine
from wasihost._component.running.streams.blocks import BULK, Block
from wasihost._component.running.streams.pumps import Pump
from wasihost._component.running.streams.states import (
    ASKED,
    BLOCKLESS,
    CLOSING,
    DRAINING,
    FRESH,
    IN_USE,
    OVER,
    PARKED,
    READING,
)
from wasihost._component.world import layout, types
from wasihost._component.world.wiring import Kind


class Reader(Pump, GuestByteStream, GuestValueStream[Any]):
    """The `GuestStream` of a stream that the guest passed. Until it is used, it can be passed on to a guest again."""

    __slots__ = ("_dropped", "_forwarding", "_leftover", "_reading")

    def __repr__(self) -> str:
        return f"<stream of a guest{', closed' if self.is_over else ''}>"

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int) -> None:
        super().__init__(machine, number, kind, end)
        self._leftover: bytes | deque[Any] = b"" if kind.is_bytes else deque()
        self._reading: asyncio.Future[None] | None = None
        self._forwarding: ByteInPump | None = None
        self._dropped = False
        self.state = FRESH

    def other_end_dropped(self) -> None:
        self._dropped = True
        self.close()

    @property
    def is_fresh(self) -> bool:
        return self.state is FRESH

    @property
    def is_bytes(self) -> bool:
        return isinstance(self._leftover, bytes)

    async def read(self, n: int = BLOCK_SIZE) -> Any:
        if n < 1:
            raise ValueError(f"read(n) needs n of at least 1, not {n}")
        await self._fill(n)
        leftover = self._leftover
        if isinstance(leftover, deque):
            return [leftover.popleft() for _ in range(min(n, len(leftover)))]
        self._leftover = leftover[n:]
        return leftover[:n]

    async def _fill(self, n: int) -> None:
        while not self._leftover and not self._dropped:
            await self._more(n)

    async def _more(self, n: int) -> None:
        if self._reading is not None:
            raise RuntimeError("another read of this stream is under way")
        if self.is_over:
            raise RuntimeError("this stream was closed or given away")
        if self.machine.failure is not None:
            raise self.machine.failure
        self.state = IN_USE
        self._reading = asyncio.get_running_loop().create_future()
        try:
            # Busy: a read that was cancelled is still on its way, and may bring something.
            if not self.rings.is_busy(self.end):
                self._begin(min(n, BLOCK_SIZE))
            await self._reading  # if that is cancelled, what the guest has already given is left over
        except asyncio.CancelledError:
            if not self.is_over and self.rings.is_busy(self.end):  # over: its number may be another end's by now
                self.rings.cancel(Operation.CANCEL_READ, self.number, self.end)
            raise
        finally:
            self._reading = None

    def _begin(self, n: int) -> None:
        if self.is_bytes:
            self._begin_bytes(n)
        else:
            self._begin_values(n)

    def _begin_values(self, n: int) -> None:
        if self.kind.payload is None:
            self.rings.begin(Operation.READ, self.number, self.end, 0, n, self._got_values)
            return
        # Room for n elements is made at once, however few will come.
        size = layout.size(self.kind.payload)
        n = max(1, min(n, BLOCK_SIZE // size))
        self.rings.begin(Operation.READ_VALUES, self.number, self.end, n * size, n, self._got_values)

    def _begin_bytes(self, n: int) -> None:
        block = self.rings.blocks.take()
        if block is None:
            self.rings.blocks.want(lambda: self._block_free(n))
            return

        def got(count: int, outcome: int) -> None:
            self._leftover = block.view[:count].tobytes()
            self.machine.stats.bytes_from_guest += count
            self.rings.blocks.give(block)
            self._got(outcome)

        self.rings.begin(Operation.READ, self.number, self.end, block.address, n, got)

    def _block_free(self, n: int) -> None:
        if self._reading is not None and not self.is_over and not self.rings.is_busy(self.end):
            self._begin_bytes(n)

    def _got_values(self, count: int, outcome: int) -> None:
        buffer = self.rings.take_buffer(self.end)
        if count and buffer and not self.is_over:
            self.machine.expect_values(self.end, lambda values: self._given(values, outcome))
            self.rings.submit(Operation.GIVE, self.number, self.end, buffer, count)
            return
        if buffer:
            self.rings.submit(Operation.FREE, self.number, 0, buffer, count)
        self._given([None] * count, outcome)

    def _given(self, values: list[Any], outcome: int) -> None:
        self._leftover = deque(values)
        self._got(outcome)

    def _got(self, outcome: int) -> None:
        if outcome == DROPPED:
            self._dropped = True
            self.close()
        if self.state is CLOSING:
            self._drop()
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._reading is not None and not self._reading.done():
            self._reading.set_result(None)

    def forward(self, sink: ByteSink) -> None:
        if not self.is_bytes:
            raise TypeError("only a stream<u8> can be forwarded to a sink")
        if self.machine.failure is not None:
            raise self.machine.failure
        self.give_away()
        assert isinstance(self._leftover, bytes)
        self._forwarding = ByteInPump(self.machine, self.number, self.kind, self.end, sink, self._leftover)

    def give_away(self) -> int:
        """Another reader takes the end over."""
        if self.is_over or self._reading is not None or self.rings.is_busy(self.end):
            raise RuntimeError("this stream is in use, was closed or given away")
        self.state = OVER
        self.machine.closed(self)
        return self.end

    def close(self) -> None:
        if self._forwarding is not None:
            self._forwarding.close()
        if self.is_over:
            return
        self.machine.closed(self)
        if self.rings.is_busy(self.end):
            self.state = CLOSING
            self.rings.cancel(Operation.CANCEL_READ, self.number, self.end)
        else:
            self._drop()
            self._wake_reader()

    def _drop(self) -> None:
        self.state = OVER
        self.rings.drop(Operation.DROP_READABLE, self.number, self.end)

    def guest_failed(self, error: BaseException) -> None:
        _fail(self._reading, error)

    def abandon(self) -> None:
        self.state = OVER
        self.machine.closed(self)
        if self._reading is not None:
            self._reading.cancel()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        # One element at a time: a loop that is left early leaves the others for `read`.
        await self._fill(BLOCK_SIZE)
        if not self._leftover:
            raise StopAsyncIteration
        return self._leftover.popleft() if isinstance(self._leftover, deque) else await self.read()


class FutureReader(Pump, GuestFuture[Any]):
    """The awaitable of a future that the guest passed. Until it is used, it can be passed on to a guest again."""

    __slots__ = ("_result",)

    def __repr__(self) -> str:
        return f"<future of a guest{', closed' if self.is_over else ''}>"

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int) -> None:
        super().__init__(machine, number, kind, end)
        self._result: asyncio.Future[Any] | None = None
        self.state = FRESH

    @property
    def is_fresh(self) -> bool:
        return self.state is FRESH

    def begin(self) -> asyncio.Future[Any]:
        if self._result is None:
            if self.is_over:
                raise RuntimeError("this future was closed or given away")
            if self.machine.failure is not None:
                raise self.machine.failure
            self.state = IN_USE
            self._result = asyncio.get_running_loop().create_future()
            self._begin()
        return self._result

    def __await__(self) -> Any:
        return asyncio.shield(self.begin()).__await__()

    def _begin(self) -> None:
        if self.kind.payload is None:
            self.rings.begin(
                Operation.READ, self.number, self.end, 0, 1, lambda _count, _outcome: self._resolve([None])
            )
            return
        if self.number in self.machine.relayed:
            self.rings.forget(self.end)
            self.machine.await_future(self.number, self.end, self._relayed)
            return
        size = layout.size(self.kind.payload)
        self.rings.begin(Operation.READ_VALUES, self.number, self.end, size, 1, self._got)

    def _got(self, _count: int, _outcome: int) -> None:
        self.machine.expect_values(self.end, self._resolve)
        self.rings.submit(Operation.GIVE, self.number, self.end, self.rings.take_buffer(self.end), 1)

    def _resolve(self, values: list[Any]) -> None:
        self._give(values[0])
        self._end()

    def _relayed(self, values: list[Any]) -> None:
        self._give(values[0])
        self._leave()
        self.machine.returned()

    def _give(self, value: Any) -> None:
        assert self._result is not None
        if not self._result.done():
            self._result.set_result(value)

    def _end(self) -> None:
        self.rings.drop(Operation.DROP_READABLE, self.number, self.end)
        self._leave()

    def _leave(self) -> None:
        self.state = OVER
        self.machine.closed(self)

    def close(self) -> None:
        """It will not be awaited."""
        if self.is_fresh:
            self._end()

    def give_away(self) -> int:
        """Another reader takes the end over."""
        if not self.is_fresh:
            raise RuntimeError("this future is in use or was given away")
        self.state = OVER
        self.machine.closed(self)
        return self.end

    def guest_failed(self, error: BaseException) -> None:
        _fail(self._result, error)

    def abandon(self) -> None:
        self.state = OVER
        self.machine.closed(self)
        if self._result is not None:
            self._result.cancel()


def _fail(future: asyncio.Future[Any] | None, error: BaseException) -> None:
    if future is not None and not future.done():
        if isinstance(error, Exception):
            future.set_exception(error)
            future.exception()  # it may have no waiter any more
        else:
            future.cancel()


class ByteInPump(Pump):
    """Drains a `stream<u8>` that the guest writes into a `ByteSink`, in the context in which that was given."""

    __slots__ = ("block", "context", "dropped", "in_bulk", "sink")

    def __init__(
        self, machine: Machine, number: int, kind: Kind, end: int, sink: ByteSink, leftover: bytes = b""
    ) -> None:
        super().__init__(machine, number, kind, end)
        self.sink = sink
        self.context = contextvars.copy_context()
        self.block: Block | None = None
        self.in_bulk = 0  # 2 after a block with much, then down by 1 for each other
        self.dropped = False
        if leftover:
            self._drain(memoryview(leftover))
        else:
            self._ask()

    def other_end_dropped(self) -> None:
        self.dropped = True

    @property
    def is_draining(self) -> bool:
        """Whether the sink has yet to take what the guest wrote."""
        return self.state is PARKED

    def _ask(self) -> None:
        self.state = ASKED
        self.rings.begin(Operation.READ, self.number, self.end, 0, 0, self._offered)

    def _offered(self, _count: int, outcome: int) -> None:
        if outcome == DROPPED:
            self.finish(None)
        else:
            self._read()

    def _read(self) -> None:
        if self.is_over:
            return
        if self.dropped:  # while we waited for a block
            self.finish(None)
            return
        if self.block is None:
            self.block = self.rings.blocks.take(bulk=self.in_bulk > 0)
        if self.block is None:
            self.state = BLOCKLESS
            self.rings.blocks.want(self._read)
        else:
            self.state = READING
            self.rings.begin(Operation.READ, self.number, self.end, self.block.address, self.block.size, self._got)

    def _got(self, count: int, outcome: int) -> None:
        assert self.block is not None
        self.machine.stats.bytes_from_guest += count
        # A write of the guest that waited already comes alone, however much follows.
        self.in_bulk = 2 if count >= BULK else max(0, self.in_bulk - 1)
        self.dropped = self.dropped or outcome == DROPPED
        self._drain(self.block.view[:count])

    def _drain(self, view: memoryview) -> None:
        self.state = DRAINING
        try:
            while view:
                view = view[self.context.run(self.sink.write, view) :]
        except BlockingIOError:
            self.state = PARKED
            self.machine.waiting.add(self)
            self.context.run(self.sink.wait_writable, lambda: self._writable(view))
        except OSError as error:
            self.finish(error)
        except Exception as error:
            self.finish(error)
            self.machine.fail(error)
        else:
            self.machine.drained()
            self._give_block()
            if self.dropped:
                self.finish(None)
            elif self.rings.blocks.has_many:
                self._read()
            else:
                self._ask()

    def _writable(self, view: memoryview) -> None:
        if not self.is_over:
            self.machine.waiting.discard(self)
            self.machine.run(lambda: self._drain(view))

    def _give_block(self) -> None:
        block = self.block
        self.block = None
        if block is not None:
            self.rings.blocks.give(block)

    def close(self) -> None:
        """Drops the end before the guest drops its own."""
        if self.is_over:
            return
        self.dropped = True
        if self.rings.is_busy(self.end):
            self.rings.cancel(Operation.CANCEL_READ, self.number, self.end)
        elif self.state is not DRAINING:  # which ends it when the sink has what is in hand
            self.finish(None)

    def finish(self, error: BaseException | None) -> None:
        self.rings.drop(Operation.DROP_READABLE, self.number, self.end)
        self._close(error)

    def guest_failed(self, error: BaseException) -> None:
        self.sink.guest_ended()

    def abandon(self) -> None:
        if not self.is_over:
            self.sink.guest_ended()
        self._close(None)

    def _close(self, error: BaseException | None) -> None:
        if not self.is_over:
            self.state = OVER
            self._give_block()
            self.machine.waiting.discard(self)
            self.machine.closed(self)
            self.machine.drained()
            self.context.run(self.sink.close, error)


def _is_number_or_nothing(t: types.ValType | None) -> bool:
    return t is None or (isinstance(t, types.Primitive) and t.name in types.NUMBERS)


def goes_home(machine: Machine, kind: Kind, obj: Any) -> bool:
    """Whether `obj` is an end that this guest passed and that can go back as it is. One that was read from can be read
    on like any other iterator, and so is one of anything but numbers, which a guest may not read from itself.
    """
    return (
        isinstance(obj, Pump)  # before what takes longer, as few are
        and isinstance(obj, Reader | FutureReader)
        and _is_number_or_nothing(kind.payload)
        and (obj.machine, obj.kind) == (machine, kind)
        and (obj.is_fresh or obj.is_over)
    )


def receive(machine: Machine, number: int, kind: Kind, end: int) -> Pump:
    """What Python gets for a stream or future that the guest passed."""
    return (FutureReader if isinstance(kind, types.Future) else Reader)(machine, number, kind, end)
