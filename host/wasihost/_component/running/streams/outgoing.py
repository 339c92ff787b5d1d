"""Pumps for the streams and futures that Python gives to the guest; see `pumps` for the theory of operation."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

from wasihost._base import eager
from wasihost._base.errors import ProviderError
from wasihost._base.streams import ByteSource, Outcome, PromptFuture, Source, ValueSource, byte_view
from wasihost._component.composition.protocol import BLOCK_SIZE, CONTINUED, DROPPED, Operation
from wasihost._component.conversion.handles import Refused
from wasihost._component.conversion.numbers import NoRoom
from wasihost._component.running.machine import Machine
from wasihost._component.running.streams.blocks import BULK, Block
from wasihost._component.running.streams.handles import discard
from wasihost._component.running.streams.pumps import Pump
from wasihost._component.running.streams.states import ASKED, BLOCKLESS, FILLING, OVER, PARKED, WRITING
from wasihost._component.world import layout, types
from wasihost._component.world.wiring import Kind, carries_values


class OutPump(Pump):
    """Feeds a stream that the provider returned, in the context in which it was given."""

    __slots__ = ("context", "source")

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int, source: Source) -> None:
        super().__init__(machine, number, kind, end)
        self.source = source
        self.context = contextvars.copy_context()
        self.ask()

    def ask(self) -> None:
        self.state = ASKED
        self.rings.begin(Operation.WRITE, self.number, self.end, 0, 0, self._asked)

    def _asked(self, _count: int, outcome: int) -> None:
        if outcome == DROPPED:
            self.finish(None)
        else:
            self.fill()

    def fill(self) -> None:
        """Asks the source and writes what it gives."""
        raise NotImplementedError

    def park(self) -> None:
        self.state = PARKED
        self.machine.waiting.add(self)
        self.context.run(self.source.wait_readable, self._readable)

    def _readable(self) -> None:
        if not self.is_over:
            self.machine.waiting.discard(self)
            self.machine.run(self.fill)

    def other_end_dropped(self) -> None:
        self.finish(None)

    def source_failed(self, error: Exception) -> None:
        self.finish(error)
        if not (isinstance(error, OSError) and self.source.tells_os_errors):
            self.fail(error)

    def finish(self, error: BaseException | None) -> None:
        self.rings.drop(Operation.DROP_WRITABLE, self.number, self.end)
        self._close(error)

    def abandon(self) -> None:
        self._close(None)

    def _close(self, error: BaseException | None) -> None:
        if not self.is_over:
            self.state = OVER
            self.machine.waiting.discard(self)
            self.machine.closed(self)
            self.context.run(self.source.close, error)


class BlockOutPump(OutPump):
    """Writes what the source gives into a block of the adapter component's memory."""

    __slots__ = ("block",)

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int, source: Source) -> None:
        self.block: Block | None = None
        super().__init__(machine, number, kind, end, source)

    def _give_block(self) -> None:
        block = self.block
        self.block = None
        if block is not None:
            self.rings.blocks.give(block)

    def _close(self, error: BaseException | None) -> None:
        self._give_block()
        super()._close(error)


class ByteOutPump(BlockOutPump):
    """Feeds a `stream<u8>` from a `ByteSource`, which fills a block of the adapter component's memory."""

    __slots__ = ("address", "in_bulk", "left", "source")

    source: ByteSource

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int, source: ByteSource) -> None:
        self.in_bulk = False  # whether the last block had much
        # Of what is being written.
        self.address = 0
        self.left = 0
        super().__init__(machine, number, kind, end, source)

    def fill(self) -> None:
        self._fill(self.park)

    def _fill(self, otherwise: Callable[[], None]) -> None:
        self.state = FILLING
        rings = self.rings
        block = self.block = rings.blocks.take(self.in_bulk)
        if block is None:
            self.state = BLOCKLESS
            rings.blocks.want(self._block_free)
            return
        try:
            size = self.context.run(self.source.read_into, block.view)
        except BlockingIOError:
            self._give_block()
            otherwise()
        except Exception as error:
            self.source_failed(error)
        else:
            self.in_bulk = size >= BULK
            self.machine.stats.bytes_to_guest += size
            if size:
                self._write(block.address, size)
            else:
                self.finish(None)

    def _block_free(self) -> None:
        if not self.is_over:
            self.fill()

    def _write(self, address: int, size: int) -> None:
        self.state = WRITING
        self.address = address
        self.left = size
        self.rings.begin(Operation.WRITE_AND_ASK, self.number, self.end, address, size, self._written)

    def _written(self, taken: int, outcome: int) -> None:
        if outcome == CONTINUED:
            self._continued(taken)
            return
        left = self.left - taken
        if outcome == DROPPED:
            if left and self.block is not None:
                begin = self.address + taken - self.block.address
                self.context.run(self.source.unread, self.block.view[begin : begin + left])
            self.finish(None)
        elif left:
            self._write(self.address + taken, left)
        else:
            self._give_block()
            self._more()

    def _continued(self, taken: int) -> None:
        self.address += taken
        self.left -= taken
        if self.left:
            self.rings.replace(self.end, self._written)
        else:
            self._give_block()
            self.state = ASKED
            self.rings.replace(self.end, self._asked)

    def _more(self) -> None:
        """In bulk, the next block is read ahead of the guest's question, as far as there is something to read."""
        if self.in_bulk:
            self._fill(self.ask)
        else:
            self.ask()


class ValueOutPump(BlockOutPump):
    """Feeds a stream of any other type from a `ValueSource`.

    Elements without handles are written into a block in their memory form, as many as fit; `take` gives all others, and
    those of a stream that had one too long for a block.
    """

    __slots__ = ("most", "rest", "source")

    source: ValueSource[Any]

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int, source: ValueSource[Any]) -> None:
        self.rest: Sequence[Any] = ()
        fits_memory = carries_values(kind) and not types.contains(kind.payload, types.HANDLES)
        self.most = BLOCK_SIZE // layout.size(kind.payload) if fits_memory else 0  # at a time into a block
        super().__init__(machine, number, kind, end, source)

    def abandon(self) -> None:
        self.machine.untaken_values(self.end, self.kind)
        super().abandon()

    def fill(self) -> None:
        self.state = FILLING
        try:
            values = self.rest or self.context.run(self.source.read)
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
        self.state = WRITING
        self.rest = ()
        if not carries_values(self.kind):
            self._write(0, 0, len(values))
        elif not self._write_block(values):
            self._write_taken(values)

    def _write_block(self, values: Sequence[Any]) -> bool:
        """Writes values from a block, as many as fit; False if the first does not, or if one is not of the type."""
        block = self.rings.blocks.take() if self.most else None
        if block is None:
            return False
        self.block = block
        while self.most:
            try:
                part = values[: self.most] if self.most < len(values) else values
                address, count = self.machine.place_values(self.number, part, block)
            except NoRoom:
                self.most = len(part) // 2
            except Exception:  # what is wrong is said where the values are taken
                break
            else:
                if count < len(values):
                    self.rest = values[count:]
                self._write(address, 0, count)
                return True
        self._give_block()
        return False

    def _write_taken(self, values: Sequence[Any]) -> None:
        """Writes what the adapter component takes as component values."""
        count = len(values)

        def written(taken: int, outcome: int) -> None:
            if buffer := self.rings.take_buffer(self.end):
                self._written(taken, outcome, buffer, 0, count)
            else:
                self.machine.untaken_values(self.end, self.kind)
                self.finish(None)

        self.machine.take_values(self.end, values)
        self.rings.begin(Operation.WRITE_VALUES, self.number, self.end, self.end, 0, written)

    def _write(self, buffer: int, gone: int, count: int) -> None:
        """Writes what is left of a buffer of `count` elements."""

        def written(taken: int, outcome: int) -> None:
            self._written(taken, outcome, buffer, gone, count)

        size = layout.size(self.kind.payload) if self.kind.payload is not None else 0
        self.rings.begin(Operation.WRITE, self.number, self.end, buffer + gone * size, count - gone, written)

    def _written(self, taken: int, outcome: int, buffer: int, gone: int, count: int) -> None:
        gone += taken
        if gone < count and outcome != DROPPED:
            self._write(buffer, gone, count)
            return
        if self.block is not None:
            self._give_block()
        elif buffer:
            self.rings.submit(Operation.FREE, self.number, gone, buffer, count)
        if outcome == DROPPED:
            self.finish(None)
        else:
            self.ask()


class FutureOutPump(Pump):
    """Resolves a future that the provider returned, once: the guest could not bear less, unless it drops its end."""

    __slots__ = ("awaited", "is_unread")

    def __init__(self, machine: Machine, number: int, kind: Kind, end: int, awaited: asyncio.Future[Any]) -> None:
        super().__init__(machine, number, kind, end)
        self.state = PARKED
        self.awaited = awaited
        self.is_unread = False
        if not isinstance(awaited, Outcome):
            machine.waiting.add(self)
        if isinstance(awaited, PromptFuture) and not awaited.done():
            awaited.when_done(partial(self._resolved, awaited))
        else:
            awaited.add_done_callback(self._resolved)

    def other_end_dropped(self) -> None:
        """Nothing will be written. An outcome is forgotten; any other future may still fail, or bring handles."""
        self.rings.drop(Operation.DROP_WRITABLE, self.number, self.end)
        self.is_unread = True
        if isinstance(self.awaited, Outcome):
            self.awaited.remove_done_callback(self._resolved)
            self._close()

    def _resolved(self, awaited: asyncio.Future[Any]) -> None:
        if self.is_over:
            return
        self.machine.waiting.discard(self)
        if awaited.cancelled():
            self.fail(ProviderError(f"the future {self.origin} was cancelled; it must be resolved"))
        elif (error := awaited.exception()) is not None:
            self.fail(eager.failure_of(awaited, error, f"the future {self.origin}"))
        elif self.is_unread:
            self._close()
            if self.kind.payload is not None:
                discard(self.kind.payload, awaited.result())
        elif carries_values(self.kind):
            self.state = WRITING
            self.machine.take_values(self.end, [awaited.result()])
            self.rings.begin(Operation.WRITE_VALUES, self.number, self.end, self.end, 0, self._written)
        else:
            self.state = WRITING
            self.rings.begin(Operation.WRITE, self.number, self.end, 0, 1, self._finish)

    def _written(self, count: int, outcome: int) -> None:
        if buffer := self.rings.take_buffer(self.end):
            self.rings.submit(Operation.FREE, self.number, 0 if outcome == DROPPED else 1, buffer, 1)
        else:  # the guest dropped its end before
            self.machine.untaken_values(self.end, self.kind)
        self._finish(count, outcome)

    def _finish(self, _count: int, _outcome: int) -> None:
        self.rings.drop(Operation.DROP_WRITABLE, self.number, self.end)
        self._close()

    def _close(self) -> None:
        self.state = OVER
        self.machine.closed(self)

    def abandon(self) -> None:
        if not self.is_unread:
            self.machine.untaken_values(self.end, self.kind)
        self.machine.waiting.discard(self)
        self._close()
        self.awaited.cancel()


# ---- the plain form of a provider: an async iterator


_END: Any = object()
_CANCELLED = "the async iterator of a stream was cancelled, but not by us"


class IteratorSource(ValueSource[Any]):
    """Feeds a stream from an async iterator."""

    tells_os_errors = False

    def __init__(self, iterator: AsyncIterator[Any], machine: Machine) -> None:
        self._iterator = iterator
        self._machine = machine
        self._next: asyncio.Future[Any] | None = None

    def read(self) -> Sequence[Any]:
        value = self.next_value()
        return () if value is _END else (value,)

    def next_value(self) -> Any:
        if self._next is None:
            self._next = self._machine.start_task(self._advance())
        if not self._next.done():
            raise BlockingIOError
        done = self._next
        self._next = None
        if done.cancelled():
            raise ProviderError(_CANCELLED)
        if (error := done.exception()) is not None:
            raise eager.failure_of(done, error, "the async iterator of a stream")
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
            self._machine.start_task(self._close_iterator()).add_done_callback(self._closed)

    def _closed(self, closing: asyncio.Task[None]) -> None:
        """An iterator that cannot be closed is as wrong as one that cannot go on."""
        if closing.cancelled():
            if not self._machine.closing:
                self._machine.fail(ProviderError(_CANCELLED))
        elif (error := closing.exception()) is not None:
            self._machine.fail(error)

    async def _close_iterator(self) -> None:
        if self._next is not None:
            await asyncio.wait([self._next])  # a generator cannot be closed while it runs
        await self._iterator.aclose()  # type: ignore[attr-defined]


class IteratorByteSource(ByteSource):
    """Feeds a `stream<u8>` from an async iterator of bytes-like chunks."""

    tells_os_errors = False

    def __init__(self, iterator: AsyncIterator[Any], machine: Machine) -> None:
        self._chunks = IteratorSource(iterator, machine)
        self._chunk = memoryview(b"")

    def read_into(self, view: memoryview) -> int:
        while not self._chunk:
            chunk = self._chunks.next_value()
            if chunk is _END:
                return 0
            self._chunk = byte_view(chunk)
        size = min(len(view), len(self._chunk))
        view[:size] = self._chunk[:size]
        self._chunk = self._chunk[size:]
        return size

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._chunks.wait_readable(callback)

    def close(self, error: BaseException | None) -> None:
        self._chunks.close(error)


def check(kind: Kind, obj: Any) -> None:
    """Refuses an object that cannot be a stream or future."""
    if isinstance(kind, types.Future):
        fits = asyncio.isfuture(obj) or inspect.isawaitable(obj)  # the first is common, and the second slow
        wanted = "an awaitable"
    else:
        source = ByteSource if kind.is_bytes else ValueSource
        fits = isinstance(obj, source | AsyncIterable)
        wanted = f"an async iterable or a {source.__name__}"
    if not fits:
        raise Refused(obj, repr(type(obj).__name__), wanted)


def feed(machine: Machine, number: int, kind: Kind, end: int, obj: Any) -> Pump:
    """The pump for a Python object, checked by `check`, that is a stream or future to the guest."""
    if isinstance(kind, types.Future):
        awaited = obj if asyncio.isfuture(obj) else asyncio.ensure_future(obj)
        return FutureOutPump(machine, number, kind, end, awaited)
    if not isinstance(obj, ByteSource if kind.is_bytes else ValueSource):
        obj = (IteratorByteSource if kind.is_bytes else IteratorSource)(aiter(obj), machine)
    return (ByteOutPump if kind.is_bytes else ValueOutPump)(machine, number, kind, end, obj)
