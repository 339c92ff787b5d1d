"""Tables as messages of the Arrow IPC streaming format: a schema, then record batches.

https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from wasihost._base.errors import MissingExtraError

ROWS = 1 << 16
"""Of one message in a stream: a guest works on the first ones while others come."""


def library() -> Any:
    """The module pyarrow. Errors: MissingExtraError."""
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError("arrow", "tables of Arrow are pyarrow's") from None
    return pyarrow


def table_of(data: Any) -> Any:
    """A `pyarrow.Table` of the same data: of a table, a record batch, or what pyarrow makes one of.

    Errors: TypeError, MissingExtraError.
    """
    pa = library()
    if isinstance(data, pa.Table):
        return data
    return pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else pa.table(data)


def to_bytes(data: Any) -> memoryview:
    """A table as one block of messages."""
    pa = library()
    table = table_of(data)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def from_bytes(data: Any) -> Any:
    """The table in a block of messages, whose memory it uses. Errors: `pyarrow.ArrowInvalid`."""
    pa = library()
    return pa.ipc.open_stream(pa.py_buffer(data)).read_all()


async def to_stream(data: Any) -> AsyncIterator[bytes]:
    """A table as a stream of messages, made as they are read."""
    pa = library()
    table = table_of(data)
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), table.schema) as writer:
        for batch in table.to_batches(max_chunksize=ROWS):
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


class _Sink:
    """A file that gives what was written to it since it was last asked."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: Any) -> int:
        self._written.append(bytes(data))
        return len(self._written[-1])

    def flush(self) -> None:
        """There is nothing to wait for."""

    def take(self) -> bytes:
        """What was written since."""
        found = b"".join(self._written)
        self._written.clear()
        return found
