"""The states of pumps, as tables.

```
OUTGOING   asked ──► filling ──► writing ──► asked …     INCOMING   asked ──► reading ──► draining ──► asked …
                      ▲   │                                           │        ▲           ▲   │
                      │   ▼                                           ▼        │           │   ▼
               blockless or parked                                    blockless            parked
```

Rules:
1. An `asked` pump has a read or write of zero elements under way, which completes when the guest offers or wants some.
2. `filling` asks the source and `draining` gives to the sink, both in one step. A source that has nothing parks the
   pump until it calls back, and so does a sink that takes nothing.
3. A pump is `blockless` while all blocks of memory are in use, and goes on when one is given back.
4. While bytes move, questions are left out: after `writing` a source that gave much is asked at once, and after
   `draining` comes the next `reading`.
5. An end that Python has in its hands (READER) can be handed on to a guest as long as it is `fresh`. If it is closed
   during a read, it is `closing` until that is cancelled, since to drop an end then would be a trap.
6. A future moves once. One of Python's (FUTURE) is `parked` until it is resolved.
7. `over` is final: the end was dropped or given away, and what the pump serves is closed. Every pump ends once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping


class PumpState(enum.Enum):
    """Where a pump is."""

    ASKED = "asked"
    FILLING = "filling"
    WRITING = "writing"
    READING = "reading"
    DRAINING = "draining"
    BLOCKLESS = "blockless"
    PARKED = "parked"
    FRESH = "fresh"
    IN_USE = "in use"
    CLOSING = "closing"
    OVER = "over"


# Names of their own, since pumps look them up for each block: in the class, that takes 60 ns each with Python 3.11.
ASKED, FILLING, WRITING, READING, DRAINING, BLOCKLESS, PARKED, FRESH, IN_USE, CLOSING, OVER = PumpState

Table = Mapping[PumpState, tuple[PumpState, ...]]

OUTGOING: Table = {
    ASKED: (FILLING, OVER),
    FILLING: (WRITING, ASKED, PARKED, BLOCKLESS, OVER),
    WRITING: (WRITING, ASKED, FILLING, OVER),
    PARKED: (FILLING, OVER),
    BLOCKLESS: (FILLING, OVER),
    OVER: (),
}
INCOMING: Table = {
    ASKED: (READING, BLOCKLESS, OVER),
    READING: (DRAINING, OVER),
    DRAINING: (ASKED, READING, PARKED, BLOCKLESS, OVER),
    PARKED: (DRAINING, OVER),
    BLOCKLESS: (READING, BLOCKLESS, OVER),
    OVER: (),
}
READER: Table = {
    FRESH: (IN_USE, OVER),
    IN_USE: (IN_USE, CLOSING, OVER),
    CLOSING: (OVER,),
    OVER: (),
}
FUTURE: Table = {
    PARKED: (WRITING, OVER),
    WRITING: (OVER,),
    OVER: (),
}
