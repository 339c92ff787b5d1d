"""What moves the contents of one stream or future between the guest and a provider: one small object for each end.

Theory of operation. An outgoing pump first writes zero elements: that completes when the guest wants some. Only then
the source is asked. A source with nothing to give yet parks the pump; then no operation is under way, and a guest
that drops the stream is noticed by the event that Wasmtime sends for that. An incoming pump likewise reads zero
elements until the guest offers some, and holds at most one block; while bytes move it keeps the block and reads on,
which saves a turn.

    outgoing   asked ──► filling ──► writing ──► asked …      filling ──► parked ──► filling
    incoming   offered ──► reading ──► draining ──► offered …  draining ──► waiting ──► draining

Every pump ends exactly once: it drops its end and closes what it serves.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from wasihost.component.composition.protocol import ASKED, BLOCK_SIZE, DROPPED, Operation
from wasihost.component.running.machine import Machine
from wasihost.component.streams import ByteSink, ByteSource, Outcome, Source, StreamReader, ValueSource
from wasihost.component.world import layout, types
from wasihost.component.world.wiring import Kind, carries_values
from wasihost.errors import ProviderError

SMALLEST_READ = 4096


class Pump:
    """An end of a stream or future in the adapter component."""

    __slots__ = ("end", "kind", "machine", "number", "over", "path", "rings")

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int) -> None:
        self.machine, self.rings = machine, machine.rings
        self.number, self.kind, self.end = number, kind, end
        self.path = ""  # of the function that gave the provider's side, if it did
        self.over = False
        machine.opened(self)
        self.rings.open(end, self.other_end_dropped)

    def other_end_dropped(self) -> None:
        """The guest dropped its end while no operation was under way."""

    def abandon(self) -> None:
        """The instance is over: closes what the pump serves, without a word to the guest."""

    def fail(self, error: BaseException) -> None:
        """Ends the instance with what the provider's side raised."""
        if self.path:
            error.add_note(
                f"raised by the {type(self.kind).__name__.lower()} that the provider of {self.path} returned"
            )
        self.machine.fail(error)


# ---- outgoing: what a provider returned


class OutPump(Pump):
    """Feeds a stream that the provider returned."""

    __slots__ = ("source",)

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int, source: Source) -> None:
        super().__init__(machine, number, kind, end)
        self.source = source
        self.ask()

    def ask(self) -> None:
        self.rings.begin(Operation.WRITE, self.number, self.end, 0, 0, self._asked)

    def _asked(self, code: int) -> None:
        if code & 15 == DROPPED:
            self.finish(None)
        else:
            self.fill()

    def fill(self) -> None:
        """Asks the source and writes what it gives."""
        raise NotImplementedError

    def park(self) -> None:
        self.machine.waiting.add(self)
        self.source.wait_readable(self._readable)

    def _readable(self) -> None:
        if not self.over:
            self.machine.waiting.discard(self)
            self.fill()

    def other_end_dropped(self) -> None:
        self.finish(None)

    def source_failed(self, error: Exception) -> None:
        self.finish(error)
        # A source is told of its own OSError, to make an error-code of it; of an iterator's nobody else would hear.
        if not isinstance(error, OSError) or isinstance(self.source, IteratorSource | IteratorByteSource):
            self.fail(error)

    def finish(self, error: BaseException | None) -> None:
        self.rings.drop(Operation.DROP_WRITABLE, self.number, self.end)
        self._close(error)

    def abandon(self) -> None:
        self._close(None)

    def _close(self, error: BaseException | None) -> None:
        if not self.over:
            self.over = True
            self.machine.waiting.discard(self)
            self.machine.closed(self)
            self.source.close(error)


class ByteOutPump(OutPump):
    """Feeds a `stream<u8>` from a `ByteSource`, which fills a block of the adapter component's memory."""

    __slots__ = ("address", "block", "left", "limit", "source")

    source: ByteSource

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int, source: ByteSource) -> None:
        self.block: int | None = None
        self.address = self.left = 0  # of what is being written
        self.limit = BLOCK_SIZE
        super().__init__(machine, number, kind, end, source)

    def fill(self) -> None:
        rings = self.rings
        block = self.block = rings.take_block()
        if block is None:
            rings.want_block(self._block_free)
            return
        limit, self.limit = self.limit, BLOCK_SIZE
        try:
            size = self.source.read_into(rings.view(block, limit))
        except BlockingIOError:
            self._give_block()
            self.park()
        except Exception as error:
            self.source_failed(error)
        else:
            if size:
                self._write(block, size)
            else:
                self.finish(None)

    def _block_free(self) -> None:
        if not self.over:
            self.fill()

    def _write(self, address: int, size: int) -> None:
        self.address, self.left = address, size
        self.rings.begin(Operation.WRITE_AND_ASK, self.number, self.end, address, size, self._written)

    def _written(self, code: int) -> None:
        if code & ASKED:
            self._give_block()
            self.rings.replace(self.end, self._asked)
            return
        taken = code >> 4
        left = self.left - taken
        if code & 15 == DROPPED:
            if left:
                self.source.unread(left)
            self.finish(None)
        elif left:
            # The guest's buffer is full. If it starts the next one with the rest of this block, another piece as long
            # as what was taken now fills that one exactly, and full blocks fit again.
            self.limit = max(taken, SMALLEST_READ)
            self._write(self.address + taken, left)
        else:
            self._give_block()
            self.ask()

    def _give_block(self) -> None:
        block, self.block = self.block, None
        if block is not None:
            self.rings.give_block(block)

    def _close(self, error: BaseException | None) -> None:
        self._give_block()
        super()._close(error)


class ValueOutPump(OutPump):
    """Feeds a stream of any other type from a `ValueSource`."""

    __slots__ = ("source",)

    source: ValueSource[Any]

    def abandon(self) -> None:
        self.machine.untaken_values(self.end, self.kind)
        super().abandon()

    def fill(self) -> None:
        try:
            values = self.source.read()
        except BlockingIOError:
            self.park()
        except Exception as error:
            self.source_failed(error)
        else:
            if values:
                self._write_values(values)
            else:
                self.finish(None)

    def _write_values(self, values: Sequence[Any]) -> None:
        count = len(values)
        if not carries_values(self.kind):
            self._write(0, 0, count, count)
            return

        def written(code: int) -> None:
            if buffer := self.rings.take_buffer(self.end):
                self._written(code, buffer, count, count)
            else:
                self.machine.untaken_values(self.end, self.kind)
                self.finish(None)

        self.machine.take_values(self.end, values)
        self.rings.begin(Operation.WRITE_VALUES, self.number, self.end, self.end, 0, written)

    def _write(self, buffer: int, address: int, left: int, count: int) -> None:
        self.rings.begin(
            Operation.WRITE, self.number, self.end, address, left, lambda code: self._written(code, buffer, left, count)
        )

    def _written(self, code: int, buffer: int, left: int, count: int) -> None:
        left -= code >> 4
        taken = count - left
        if left and code & 15 != DROPPED:
            size = layout.size(self.kind.payload) if self.kind.payload is not None else 0
            self._write(buffer, buffer + taken * size, left, count)
            return
        if buffer:
            self.rings.submit(Operation.FREE, self.number, taken, buffer, count)
        if code & 15 == DROPPED:
            self.finish(None)
        else:
            self.ask()


class FutureOutPump(Pump):
    """Resolves a future that the provider returned, once: the guest could not bear less."""

    __slots__ = ("awaited",)

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int, awaited: asyncio.Future[Any]) -> None:
        super().__init__(machine, number, kind, end)
        self.awaited = awaited
        if not isinstance(awaited, Outcome):
            machine.waiting.add(self)
        awaited.add_done_callback(self._resolved)

    def _resolved(self, awaited: asyncio.Future[Any]) -> None:
        if self.over:
            return
        self.machine.waiting.discard(self)
        if awaited.cancelled():
            self.fail(ProviderError(f"{self.path}: the future that was returned was cancelled; it must be resolved"))
        elif (error := awaited.exception()) is not None:
            self.fail(error)
        elif carries_values(self.kind):
            self.machine.take_values(self.end, [awaited.result()])
            self.rings.begin(Operation.WRITE_VALUES, self.number, self.end, self.end, 0, self._written)
        else:
            self.rings.begin(Operation.WRITE, self.number, self.end, 0, 1, self._finish)

    def _written(self, code: int) -> None:
        taken = 0 if code & 15 == DROPPED else 1
        self.rings.submit(Operation.FREE, self.number, taken, self.rings.take_buffer(self.end), 1)
        self._finish(code)

    def _finish(self, _code: int) -> None:
        self.rings.drop(Operation.DROP_WRITABLE, self.number, self.end)
        self._close()

    def _close(self) -> None:
        self.over = True
        self.machine.closed(self)

    def abandon(self) -> None:
        self.machine.untaken_values(self.end, self.kind)
        self.machine.waiting.discard(self)
        self._close()
        self.awaited.cancel()


# ---- incoming: what the guest passed


class Reader(Pump, StreamReader[Any]):
    """The `StreamReader` of a stream that the guest passed. Until it is used, it can be passed on to a guest again."""

    __slots__ = ("_dropped", "_leftover", "_reading", "is_fresh")

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int) -> None:
        super().__init__(machine, number, kind, end)
        self._leftover: bytes | deque[Any] = b"" if kind == types.Stream(types.U8) else deque()
        self._reading: asyncio.Future[None] | None = None
        self._dropped = False
        self.is_fresh = True

    def other_end_dropped(self) -> None:
        self._dropped = True
        self.close()

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
        if self.over:
            raise RuntimeError("this stream was closed or given away")
        self.is_fresh = False
        self._reading = asyncio.get_running_loop().create_future()
        try:
            # Busy: a read that was cancelled is still on its way, and may bring something.
            if not self.rings.is_busy(self.end):
                self._begin(min(n, BLOCK_SIZE))
            # Shielded: a read that is cancelled must not lose what the guest has already given.
            await asyncio.shield(self._reading)
        except asyncio.CancelledError:
            if self.rings.is_busy(self.end):
                self.rings.cancel(Operation.CANCEL_READ, self.number, self.end)
            raise
        finally:
            self._reading = None

    def _begin(self, n: int) -> None:
        if self.is_bytes:
            self._begin_bytes(n)
        else:
            payload = self.kind.payload
            size = n * (layout.size(payload) if payload is not None else 0)
            operation = Operation.READ_VALUES if payload is not None else Operation.READ
            self.rings.begin(operation, self.number, self.end, size, n, self._got_values)

    def _begin_bytes(self, n: int) -> None:
        block = self.rings.take_block()
        if block is None:
            self.rings.want_block(lambda: self._begin_bytes(n))
            return

        def got(code: int) -> None:
            self._leftover = self.rings.view(block, code >> 4).tobytes()
            self.rings.give_block(block)
            self._got(code)

        self.rings.begin(Operation.READ, self.number, self.end, block, n, got)

    def _got_values(self, code: int) -> None:
        count = code >> 4
        buffer = self.rings.take_buffer(self.end)
        if count and buffer:
            self.machine.expect_values(self.end, lambda values: self._given(values, code))
            self.rings.submit(Operation.GIVE, self.number, self.end, buffer, count)
            return
        if buffer:
            self.rings.submit(Operation.FREE, self.number, 0, buffer, 0)
        self._given([None] * count, code)

    def _given(self, values: list[Any], code: int) -> None:
        self._leftover = deque(values)
        self._got(code)

    def _got(self, code: int) -> None:
        if code & 15 == DROPPED:
            self._dropped = True
            self.close()
        if self._reading is not None and not self._reading.done():
            self._reading.set_result(None)

    def forward(self, sink: ByteSink) -> None:
        if not self.is_bytes:
            raise TypeError("only a stream<u8> can be forwarded to a sink")
        self.give_away()
        ByteInPump(self.machine, self.number, self.kind, self.end, sink)

    def give_away(self) -> int:
        """Somebody else takes the end over."""
        if self.over or self._reading is not None:
            raise RuntimeError("this stream is in use, was closed or given away")
        self.over = True
        self.machine.closed(self)
        return self.end

    def close(self) -> None:
        if self.over:
            return
        self.over = True
        self.machine.closed(self)
        if self.rings.is_busy(self.end):
            self.rings.replace(self.end, lambda _code: self._drop())
            self.rings.cancel(Operation.CANCEL_READ, self.number, self.end)
        else:
            self._drop()

    def _drop(self) -> None:
        self.rings.drop(Operation.DROP_READABLE, self.number, self.end)

    def abandon(self) -> None:
        self.over = True
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


class FutureReader(Pump):
    """The awaitable of a future that the guest passed. Until it is used, it can be passed on to a guest again."""

    __slots__ = ("_result",)

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int) -> None:
        super().__init__(machine, number, kind, end)
        self._result: asyncio.Future[Any] | None = None

    @property
    def is_fresh(self) -> bool:
        return self._result is None

    def __await__(self) -> Any:
        if self._result is None:
            if self.over:
                raise RuntimeError("this future was given away")
            self._result = asyncio.get_running_loop().create_future()
            self._begin()
        return asyncio.shield(self._result).__await__()

    def _begin(self) -> None:
        if self.kind.payload is None:
            self.rings.begin(Operation.READ, self.number, self.end, 0, 1, lambda _code: self._resolve([None]))
            return
        size = layout.size(self.kind.payload)
        self.rings.begin(Operation.READ_VALUES, self.number, self.end, size, 1, self._got)

    def _got(self, _code: int) -> None:
        self.machine.expect_values(self.end, self._resolve)
        self.rings.submit(Operation.GIVE, self.number, self.end, self.rings.take_buffer(self.end), 1)

    def _resolve(self, values: list[Any]) -> None:
        assert self._result is not None
        if not self._result.done():
            self._result.set_result(values[0])
        self.rings.drop(Operation.DROP_READABLE, self.number, self.end)
        self.over = True
        self.machine.closed(self)

    def give_away(self) -> int:
        """Somebody else takes the end over."""
        if self.over or self._result is not None:
            raise RuntimeError("this future is in use or was given away")
        self.over = True
        self.machine.closed(self)
        return self.end

    def abandon(self) -> None:
        self.over = True
        self.machine.closed(self)
        if self._result is not None:
            self._result.cancel()


class ByteInPump(Pump):
    """Drains a `stream<u8>` that the guest writes into a `ByteSink`."""

    __slots__ = ("block", "dropped", "sink")

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int, sink: ByteSink) -> None:
        super().__init__(machine, number, kind, end)
        self.sink = sink
        self.block: int | None = None
        self.dropped = False
        self._ask()

    def other_end_dropped(self) -> None:
        self.dropped = True

    @property
    def is_draining(self) -> bool:
        """Whether the sink has yet to take what the guest wrote."""
        return self in self.machine.waiting

    def _ask(self) -> None:
        self.rings.begin(Operation.READ, self.number, self.end, 0, 0, self._offered)

    def _offered(self, code: int) -> None:
        if code & 15 == DROPPED:
            self.finish(None)
        else:
            self._read()

    def _read(self) -> None:
        if self.over:
            return
        if self.block is None:
            self.block = self.rings.take_block()
        if self.block is None:
            self.rings.want_block(self._read)
        else:
            self.rings.begin(Operation.READ, self.number, self.end, self.block, BLOCK_SIZE, self._got)

    def _got(self, code: int) -> None:
        assert self.block is not None
        self.dropped = code & 15 == DROPPED
        self._drain(self.rings.view(self.block, code >> 4))

    def _drain(self, view: memoryview) -> None:
        try:
            while view:
                view = view[self.sink.write(view) :]
        except BlockingIOError:
            self.machine.waiting.add(self)
            self.sink.wait_writable(lambda: self._writable(view))
        except OSError as error:
            self.finish(error)
        except Exception as error:
            self.finish(error)
            self.machine.fail(error)
        else:
            self.machine.drained()
            if self.dropped:
                self.finish(None)
            elif self.rings.has_many_blocks:
                self._read()
            else:
                self._give_block()
                self._ask()

    def _writable(self, view: memoryview) -> None:
        if not self.over:
            self.machine.waiting.discard(self)
            self._drain(view)

    def _give_block(self) -> None:
        block, self.block = self.block, None
        if block is not None:
            self.rings.give_block(block)

    def finish(self, error: BaseException | None) -> None:
        self.rings.drop(Operation.DROP_READABLE, self.number, self.end)
        self._close(error)

    def abandon(self) -> None:
        self._close(None)

    def _close(self, error: BaseException | None) -> None:
        if not self.over:
            self.over = True
            self._give_block()
            self.machine.waiting.discard(self)
            self.machine.closed(self)
            self.sink.close(error)


# ---- the plain forms of a provider


_END: Any = object()
StartTask = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]


class IteratorSource(ValueSource[Any]):
    """Feeds a stream from an async iterator."""

    def __init__(self, iterator: AsyncIterator[Any], start_task: StartTask) -> None:
        self._iterator, self._start_task = iterator, start_task
        self._next: asyncio.Future[Any] | None = None

    def read(self) -> Sequence[Any]:
        value = self.next_value()
        return () if value is _END else (value,)

    def next_value(self) -> Any:
        if self._next is None:
            self._next = self._start_task(self._advance())
        if not self._next.done():
            raise BlockingIOError
        done, self._next = self._next, None
        return done.result()

    async def _advance(self) -> Any:
        return await anext(self._iterator, _END)

    def wait_readable(self, callback: Callable[[], None]) -> None:
        assert self._next is not None
        self._next.add_done_callback(lambda _: callback())

    def close(self, error: BaseException | None) -> None:
        if self._next is not None:
            self._next.cancel()
        if hasattr(self._iterator, "aclose"):
            self._start_task(self._close_iterator())

    async def _close_iterator(self) -> None:
        if self._next is not None:
            await asyncio.wait([self._next])  # a generator cannot be closed while it runs
        await self._iterator.aclose()  # type: ignore[attr-defined]


class IteratorByteSource(ByteSource):
    """Feeds a `stream<u8>` from an async iterator of bytes-like chunks."""

    def __init__(self, iterator: AsyncIterator[Any], start_task: StartTask) -> None:
        self._chunks = IteratorSource(iterator, start_task)
        self._chunk = memoryview(b"")

    def read_into(self, view: memoryview) -> int:
        while not self._chunk:
            chunk = self._chunks.next_value()
            if chunk is _END:
                return 0
            self._chunk = memoryview(chunk).cast("B")
        size = min(len(view), len(self._chunk))
        view[:size] = self._chunk[:size]
        self._chunk = self._chunk[size:]
        return size

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._chunks.wait_readable(callback)

    def close(self, error: BaseException | None) -> None:
        self._chunks.close(error)


def outgoing(machine: Machine, number: int, kind: Kind, end: int, obj: Any) -> Pump:
    """The pump for what a provider returned as a stream or future."""
    if isinstance(kind, types.Future):
        if not inspect.isawaitable(obj):
            raise ProviderError(f"expected an awaitable for a future, got {type(obj).__name__!r}")
        return FutureOutPump(machine, number, kind, end, asyncio.ensure_future(obj))
    is_bytes = kind == types.Stream(types.U8)
    if not isinstance(obj, ByteSource if is_bytes else ValueSource):
        if not isinstance(obj, AsyncIterable):
            wanted = "an async iterable or a " + ("ByteSource" if is_bytes else "ValueSource")
            raise ProviderError(f"expected {wanted} for a stream, got {type(obj).__name__!r}")
        obj = (IteratorByteSource if is_bytes else IteratorSource)(aiter(obj), machine.start_task)
    return (ByteOutPump if is_bytes else ValueOutPump)(machine, number, kind, end, obj)


def incoming(machine: Machine, number: int, kind: Kind, end: int) -> Pump:
    """What a provider gets for a stream or future that the guest passed."""
    return (FutureReader if isinstance(kind, types.Future) else Reader)(machine, number, kind, end)
