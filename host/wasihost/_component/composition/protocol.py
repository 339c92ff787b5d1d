"""The ring protocol between the adapter component and Python: memory map, operations, completions.

Described in words in wit/adapter-protocol.md; the .wat files get these numbers by substitution, so each is written
once.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

# The interfaces through which the adapter and driver components call Python.
ADAPTER_HOST: Final = "wasihost:adapter/host"
DRIVER_HOST: Final = "wasihost:driver/host"

PAGE: Final = 65536
MAX_PAGES: Final = 16384
"""Of the memory of either component; `Limits.values_in_flight_bytes` is less."""

# ---- memory map of the adapter component, in bytes
EVENT: Final = 16  # two words: the output of waitable-set.poll
LIST: Final = 24  # two words: pointer and length of a list that the host returned
TOKEN: Final = 32  # the token of the call whose `start` runs
ROUNDS: Final = 36  # how many rounds the driver component has begun
TURN_WANTED: Final = 40  # not 0: Python has something to submit
DRIVER_WANTED: Final = 44  # not 0: there are commands for the driver component
COMPLETED_COUNT: Final = 48  # of completions in the ring
SUBMITTED_COUNT: Final = 52  # of submissions in the ring
ROOM_WANTED: Final = 56  # bytes wanted for lists and strings in a result; then where they are
PAIR_COUNT: Final = 60  # how many pairs of ends are wanted
OUT_OF_MEMORY: Final = 64  # not 0: the memory cannot grow any more; in both components
ARENA_SIZE: Final = 4096  # bytes beyond what is asked first; later the arena doubles
PAIRS: Final = 1024  # the kind of each wanted pair, in two words that become (readable, writable)
MAX_PAIRS: Final = 1024
OUTCOME: Final = 12280  # of the `call` that has just returned, see HERE
RESULT: Final = OUTCOME + 8  # the memory form of its result, or of the result of `finish`
COMPLETIONS: Final = 16384
SUBMISSIONS: Final = PAGE
BLOCKS: Final = 2 * PAGE  # bytes on their way, handed out by Python: small blocks, then large ones
BLOCK_SIZE: Final = PAGE
BLOCK_COUNT: Final = 1024
LARGE_BLOCKS: Final = BLOCKS + BLOCK_COUNT * BLOCK_SIZE
LARGE_BLOCK_SIZE: Final = 16 * PAGE  # for streams that move in bulk
LARGE_BLOCK_COUNT: Final = 8
HEAP: Final = LARGE_BLOCKS + LARGE_BLOCK_COUNT * LARGE_BLOCK_SIZE
PAGES: Final = HEAP // PAGE + 1

WINDOW_PAGES: Final = 2
"""Of a guest's window at first: 64 KiB are the most that WASI moves in a call, and a page beside is easier to count."""

# ---- rings
MAX_SUBMISSIONS: Final = 1024
SUBMISSION_WORDS: Final = 5  # operation, kind, handle, a, b
COMPLETION_WORDS: Final = 3  # completion, handle, value
# Each submission completes at most twice (its buffer, its result); then the reads of values that wait for their task
# begin, and events of waitables fill up the rest.
MAX_COMPLETIONS: Final = 3 * MAX_SUBMISSIONS

# Between the ring of submissions and the blocks: lists and strings in a result that Python gives, if they are short.
ROOM: Final = SUBMISSIONS + MAX_SUBMISSIONS * SUBMISSION_WORDS * 4
ROOM_SIZE: Final = BLOCKS - ROOM


class Operation(IntEnum):
    """The operations that Python submits; (kind, handle, a, b) as named."""

    READ = 0  # kind, end, pointer, count
    WRITE = 1  # kind, end, pointer, count
    READ_VALUES = 2  # kind, end, bytes, count: into a new buffer of so many bytes, reported by BUFFER
    WRITE_VALUES = 3  # kind, end, token: of values that `take` gives, reported by BUFFER
    GIVE = 4  # kind, token, pointer, count: hands a buffer's values to `give`, frees it
    FREE = 5  # kind, first not taken, pointer, count: frees a buffer, drops the values not taken
    CANCEL_READ = 6  # kind, end
    CANCEL_WRITE = 7  # kind, end
    DROP_READABLE = 8  # kind, end
    DROP_WRITABLE = 9  # kind, end
    COMPLETE = 10  # -, token, needs of the result: the call can go on
    WRITE_AND_ASK = (
        11  # kind, end, pointer, count: as WRITE; if some went at once, a write of the rest follows, or of 0
    )


class Completion(IntEnum):
    """The reports of the adapter component."""

    DONE = 0  # end, packed result of a read or write
    BUFFER = 1  # end, pointer


BLOCKED: Final = 0xFFFF_FFFF

# The packed result of a copy: its outcome in the low bits, the count above.
OUTCOME_BITS: Final = 15
COUNT_SHIFT: Final = 4
COMPLETED = 0
DROPPED = 1
CANCELLED = 2
CONTINUED = 3  # of WRITE_AND_ASK: so many went at once, and the write that follows is under way

# The answers of `start`.
PENDING = 0
READY = 1

# Where a result is: at RESULT; `finish` gives it, into room to be made; it must wait.
HERE = 0
ROOM_FIRST = 1
WAITS = 2

# The needs of a result: Python has said it; `resume` will; nothing.
NEEDS_LISTED = 0
NEEDS_UNKNOWN = 1
NEEDS_NOTHING = 2

# The state of a call that waits. ENDED: cancelled, and `COMPLETE` is still to come.
WAITING = 0
COMPLETE = 1
ENDED = 2

MAX_SPARE_RECORDS: Final = 64
HOME: Final = 0x8000_0000  # in the place of an end in an argument: the rest is an end of ours, and not a key

# ---- memory map of the driver component
DRIVER_PREVIOUS: Final = 32  # the result of the last command
DRIVER_COMMAND: Final = 36  # three words: the next command, an index, a value
RETURNED_COUNT: Final = 48  # the number of results in their ring
DRIVER_ROOM: Final = 52  # where room for arguments with lists is: so much at least, or what was asked for
DRIVER_ROOM_SIZE: Final = 2040
DRIVER_ARGUMENTS: Final = 512  # of a call whose arguments are all numbers
DRIVER_RETURNED: Final = 1024  # the ring of results: token, padding, the memory form of a number
RETURNED_SIZE: Final = 16
MAX_RETURNED: Final = 2048
DRIVER_RECORDS: Final = PAGE  # one for each handle that a subtask can have
DRIVER_RECORD_SIZE: Final = 16
DRIVER_HANDLES: Final = 1 << 17  # Wasmtime allows 100,000 handles in one store
DRIVER_HEAP: Final = DRIVER_RECORDS + DRIVER_HANDLES * DRIVER_RECORD_SIZE
DRIVER_PAGES: Final = DRIVER_HEAP // PAGE + 1


class Command(IntEnum):
    """The answers of `next`, in its low byte; an index is above, a value in the high word."""

    NONE = 0
    EXIT = 1
    CALL = 2  # index of the function, token
    CANCEL = 3  # handle of the subtask
    DROP = 4  # index of the guest's resource type, handle
    ROOM = 5  # bytes: memory for the arguments of the next call
    AWAIT = 6  # end, token: the relay component reads a future; its kind is above the command


NUMBERS: Final[dict[str, int]] = (
    {name: value for name, value in globals().items() if isinstance(value, int) and name.isupper()}
    | {f"OP_{item.name}": item.value for item in Operation}
    | {f"ON_{item.name}": item.value for item in Completion}
    | {f"DO_{item.name}": item.value for item in Command}
)
