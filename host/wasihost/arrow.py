"""Tables of Arrow as arguments and results of exports: columns, or Arrow IPC in bytes and streams.

    score = wasihost.arrow.bind(job, "my:pkg/api#score")  # then score(table), and score.map(tables, executor=…)

It needs the extra `arrow`.
"""

from wasihost._arrow.calls import call
from wasihost._arrow.ipc import from_bytes, to_bytes, to_stream
from wasihost._base.public import publish as _publish
from wasihost._jobs.batches import BoundToTables, bind

__all__ = ["BoundToTables", "bind", "call", "from_bytes", "to_bytes", "to_stream"]

_publish(globals())
