"""The option `--limit` of `wasihost run`: of the guest itself, and of its network."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from wasihost._base import limittext
from wasihost._base.limits import Limits

if TYPE_CHECKING:
    from wasihost._network.quotas import Quotas

USAGE = "[--limit NAME=NUMBER ...]"

HELP = """\
A limit of --limit is one of these; bytes also as 64KiB, 10MiB, 1GiB:
  sockets, connections                          open at a time; sockets by default for a quarter of `ulimit -n`
  connections-per-second
  bytes-in, bytes-out                           of all connections and datagrams
  connection-bytes-in, connection-bytes-out     of each connection
  bytes-per-second-in, bytes-per-second-out
  connect-timeout-s, idle-timeout-s             seconds
What is beyond these fails with an error-code, or waits for its time; the first time for each is told on stderr.
  run-time-s, cpu-time-s                        seconds; no limit by default
  memory-bytes                                  of the guest's memory, 1GiB by default
  memories, tables, table-elements, instances, resources, streams, pending-calls, list-bytes, values-in-flight-bytes,
  buffered-bytes, stack-bytes, component-bytes, world-parts, module-items, data-segments, async-components
                                                docs/limits.md has them all
A guest that goes beyond these is stopped.
"""


def add_to(
    parser: argparse.ArgumentParser,
    text: str = "let the guest use only so much, such as connections=10 or run-time-s=60; see below; may be repeated",
) -> None:
    """Adds the option, with this help."""
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help=text,
    )


def limits(arguments: argparse.Namespace) -> tuple[Limits, Quotas | None]:
    """What it says of the guest, and of its network. Errors: ConfigError."""
    if not arguments.limit:
        return Limits(), None
    from wasihost._network.quotas import Quotas

    own = Limits.__match_args__
    of_network = Quotas.__match_args__
    for text in arguments.limit:
        if limittext.name_of(text) not in (*own, *of_network):
            limittext.parse([text], (*of_network, *own), ())  # which complains
    found = [text for text in arguments.limit if limittext.name_of(text) in own]
    return Limits.parse(found), Quotas.parse(text for text in arguments.limit if text not in found)
