"""Python's side of the two rings in the adapter component's memory.

Theory of operation. The adapter component calls `turn` once a round with the completions it has written; whoever waits
for one is called back, and submits what comes next; the queue of submissions is written into memory as far as there is
room, and carried out right after. Submissions made between rounds, from the event loop, wait for the next one, and
`wake` tells the polling loop that there will be one. A round in which nothing completed and nothing is submitted does
not reach Python: `TURN_WANTED` in memory tells the adapter component.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import Struct

from wasihost._base.limits import LARGEST_BUFFER
from wasihost._component.composition.protocol import (
    COMPLETED_COUNT,
    COMPLETION_WORDS,
    COMPLETIONS,
    COUNT_SHIFT,
    DRIVER_WANTED,
    DROPPED,
    MAX_SUBMISSIONS,
    OUTCOME,
    OUTCOME_BITS,
    PAIR_COUNT,
    PAIRS,
    ROOM_WANTED,
    ROUNDS,
    SUBMISSION_WORDS,
    SUBMISSIONS,
    SUBMITTED_COUNT,
    TOKEN,
    TURN_WANTED,
    Completion,
    Operation,
)
from wasihost._component.running.streams.blocks import Blocks

WhenDone = Callable[[int, int], None]
"""Called with the number of elements that a read or write moved, and its outcome."""

_DONE = int(Completion.DONE)
_COPIES = (
    Operation.READ,
    Operation.WRITE,
    Operation.READ_VALUES,
    Operation.WRITE_VALUES,
    Operation.WRITE_AND_ASK,
)


@cache
def _words(count: int) -> Struct:
    return Struct(f"<{count}I")


def _nothing() -> None:
    pass


class Rings:
    """Submissions, completions and blocks of one adapter component.

    `wake` is called for each submission made outside of a turn.
    """

    def __init__(self, memory: memoryview, wake: Callable[[], None], buffered_bytes: int = LARGEST_BUFFER) -> None:
        self._words = memory.cast("I")
        self._bytes = memory
        self._queue: list[int] = []
        self._waiting: dict[int, WhenDone] = {}
        self._queued: set[int] = set()  # ends whose operation is still in the queue
        self._when_dropped: dict[int, Callable[[], None]] = {}
        self._buffers: dict[int, int] = {}
        self.blocks = Blocks(memory, buffered_bytes)
        self._cancels: list[tuple[Operation, int, int]] = []
        self._cancelling: set[int] = (
            set()
        )  # ends whose operation under way is being cancelled: to do so twice is a trap
        self._wake = wake
        self._in_turn = False
        self._has_told = False
        self.is_quiet = True
        """Whether nothing has happened since this was set, by which the guest may be able to go on."""

    def close(self) -> None:
        """The memory is gone. What others still ask for goes nowhere, and no view keeps the pages."""
        self._bytes = memoryview(bytearray(COMPLETIONS))
        self._words = self._bytes.cast("I")
        self._waiting.clear()
        self._when_dropped.clear()
        self._wake = _nothing
        self.blocks.close()

    # ---- the adapter component's calls

    def turn(self) -> None:
        """Takes the completions, writes submissions."""
        count = self._words[COMPLETED_COUNT // 4]
        self._in_turn = True
        self.is_quiet = False
        self.blocks.completions = count
        try:
            if count:
                self._complete(count)
            if self._cancels:
                self._cancels = [cancel for cancel in self._cancels if not self._try_cancel(*cancel)]
            self._words[SUBMITTED_COUNT // 4] = self._submit_queue() if self._queue else 0
        finally:
            self._in_turn = False
            if self._has_told or self.has_submissions:
                self._tell(self.has_submissions)

    def _complete(self, count: int) -> None:
        words = iter(_words(count * COMPLETION_WORDS).unpack_from(self._bytes, COMPLETIONS))
        for completion, end, value in zip(words, words, words, strict=True):
            if completion != _DONE:
                self._buffers[end] = value
            elif (done := self._waiting.pop(end, None)) is not None:
                self._cancelling.discard(end)
                outcome = value & OUTCOME_BITS
                if outcome == DROPPED:
                    self._withdraw(end)
                done(value >> COUNT_SHIFT, outcome)
            elif (dropped := self._when_dropped.get(end)) is not None:
                dropped()

    def _withdraw(self, end: int) -> None:
        """The guest dropped its end before our operation was carried out, which would be a trap now."""
        if end not in self._queued:
            return
        self._queued.discard(end)
        for at in range(0, len(self._queue), SUBMISSION_WORDS):
            if self._queue[at + 2] == end and self._queue[at] in _COPIES:
                del self._queue[at : at + SUBMISSION_WORDS]
                return

    def _submit_queue(self) -> int:
        queue = self._queue
        words = min(len(queue), MAX_SUBMISSIONS * SUBMISSION_WORDS)
        _words(words).pack_into(self._bytes, SUBMISSIONS, *queue[:words])
        del queue[:words]
        self._queued = set(queue[2::SUBMISSION_WORDS]) & self._queued if queue else set()
        return words // SUBMISSION_WORDS

    # ---- what pumps and calls do

    @property
    def has_submissions(self) -> bool:
        return bool(self._queue or self._cancels)

    def _want_turn(self) -> None:
        if not self._has_told:
            self._tell(True)
        self._wake()

    def _tell(self, wanted: bool) -> None:
        """Tells the adapter component whether a turn is wanted."""
        self._has_told = wanted
        self._words[TURN_WANTED // 4] = wanted

    def submit(self, operation: Operation, kind: int, handle: int, a: int = 0, b: int = 0) -> None:
        """Queues an operation that completes by itself."""
        self._queue += (operation, kind, handle, a, b)
        if not self._in_turn:
            self._want_turn()

    def open(self, end: int, dropped: Callable[[], None]) -> None:
        """Says what to do when the guest drops the other end while no operation of this one is under way.

        Wasmtime tells that of an end in a waitable set by an event of its own.
        """
        self._when_dropped[end] = dropped

    def forget(self, end: int) -> None:
        """It is an end of another instance from now on."""
        del self._when_dropped[end]

    def drop(self, operation: Operation, kind: int, end: int) -> None:
        """Queues the drop of an end."""
        self._when_dropped.pop(end, None)
        self.submit(operation, kind, end)

    def begin(self, operation: Operation, kind: int, end: int, a: int, b: int, done: WhenDone) -> None:
        """Queues a read or write; `done` gets its result. An end has at most one under way."""
        self._waiting[end] = done
        self._queued.add(end)
        self.submit(operation, kind, end, a, b)

    def cancel(self, operation: Operation, kind: int, end: int) -> None:
        """Cancels the read or write under way, whose callback then gets its result."""
        if end not in self._cancelling:
            self._cancelling.add(end)
            self._cancels.append((operation, kind, end))
            self._want_turn()

    def _try_cancel(self, operation: Operation, kind: int, end: int) -> bool:
        """False if it is too early: to cancel what has not begun, or what may complete at once, would be a trap."""
        if end not in self._cancelling:  # it has completed
            return True
        if end in self._queued:
            return False
        self.submit(operation, kind, end)
        return True

    def is_busy(self, end: int) -> bool:
        """Whether an operation of this end is under way."""
        return end in self._waiting

    def replace(self, end: int, done: WhenDone) -> None:
        """Gives the result of the operation under way to another callback."""
        self._waiting[end] = done

    def take_buffer(self, end: int) -> int:
        """The place of the values of this end's last READ_VALUES or WRITE_VALUES; 0 if it was not carried out."""
        return self._buffers.pop(end, 0)

    # ---- cells in memory

    @property
    def is_wanted(self) -> bool:
        """Whether there is something to do in the next round."""
        return bool(self._words[TURN_WANTED // 4] or self._words[DRIVER_WANTED // 4])

    @property
    def rounds(self) -> int:
        """How many rounds the driver component has begun, up to 2^32."""
        return self._words[ROUNDS // 4]

    def want_driver(self, wanted: bool) -> None:
        """Says whether there are commands for the driver component."""
        self._words[DRIVER_WANTED // 4] = wanted
        self.is_quiet = False

    @property
    def token(self) -> int:
        """The token of the call whose `start` runs."""
        return self._words[TOKEN // 4]

    def ask_pairs(self, kinds: list[int]) -> None:
        """Lists the kinds of the pairs that the adapter component shall make."""
        self._words[PAIR_COUNT // 4] = len(kinds)
        for index, kind in enumerate(kinds):
            self._words[PAIRS // 4 + 2 * index] = kind

    def tell_outcome(self, outcome: int) -> None:
        """Where the result of the call is that returns now: ROOM_FIRST or WAITS; who writes it says HERE."""
        self._words[OUTCOME // 4] = outcome

    def ask_room(self, size: int) -> None:
        """Asks the adapter component for so many bytes; see `room`."""
        self._words[ROOM_WANTED // 4] = size

    @property
    def room(self) -> int:
        """Where they are, once it has made them."""
        return self._words[ROOM_WANTED // 4]

    def pair(self, index: int) -> tuple[int, int]:
        """The (readable, writable) ends that came of it."""
        at = PAIRS // 4 + 2 * index
        return self._words[at], self._words[at + 1]
