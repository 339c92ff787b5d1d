"""The option `--fault`: failures of the network and of files, on purpose."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from wasihost._base.bounds import bounds
from wasihost._base.errors import ConfigError
from wasihost._commands.messages import say
from wasihost._commands.parsing import Parser

if TYPE_CHECKING:  # only needed if something is to go wrong
    from wasihost._network.base import Network
    from wasihost._network.faults.fault import Fault
    from wasihost._network.faults.faulty import Faulty
    from wasihost._wasi.filesystem.nodes import FileSystem

_FORM = "CALL WHAT [NAME=VALUE ...]"
_MOST = 20  # lines about those that struck


def add_to(parser: Parser) -> None:
    """Adds the option."""
    parser.group("reproduce").add_argument(
        "--fault",
        action="append",
        type=_fault,
        default=[],
        metavar=f"'{_FORM}'",
        help="let calls of the network or of files go wrong: 'connect ECONNREFUSED nth=3', 'receive stall seconds=5', "
        "'file-write ENOSPC after-bytes=1000'; may be repeated",
    )


def _fault(text: str) -> Fault:
    from wasihost._network.faults.fault import Fault

    words = text.split()
    if len(words) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not {_FORM}, such as 'connect ECONNREFUSED nth=3'")
    call, what, *options = words
    try:
        return Fault(call, what, **dict(map(_option, options)))  # type: ignore[arg-type]
    except (ConfigError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def _option(word: str) -> tuple[str, Any]:
    """A field of a fault, and its value: a number, if it is to be one and is."""
    from wasihost._network.faults.fault import Fault

    name, _, value = word.partition("=")
    field = name.replace("-", "_")
    if field in bounds(Fault):
        with contextlib.suppress(ValueError):
            return field, float(value) if "." in value else int(value)
    return field, value


class Faults:
    """The faults of a run: one plan, for the network and for each tree of files."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults
        self._faulty: list[Faulty] = []

    def of_network(self, network: Network | None) -> Network:
        """The network, with the faults of its calls."""
        from wasihost._network.faults import FaultPlan, FaultyNetwork
        from wasihost._network.os import OsNetwork

        made = FaultyNetwork(network or OsNetwork(), FaultPlan(*self._faults))
        self._faulty.append(made)
        return made

    def of_files(self, files: Mapping[str, FileSystem]) -> Mapping[str, FileSystem]:
        """The trees, with the faults of their calls."""
        from wasihost._network.faults import FaultPlan
        from wasihost._wasi.filesystem.faults import FaultyFiles

        made = {name: FaultyFiles(each, FaultPlan(*self._faults)) for name, each in files.items()}
        self._faulty += made.values()
        return made

    @contextlib.contextmanager
    def reported(self) -> Iterator[None]:
        """At the end prints which of them struck, as options that make the same happen again."""
        try:
            yield
        finally:
            struck = [fault for faulty in self._faulty for fault in faulty.injected]
            for fault in struck[:_MOST]:
                say(f"struck: --fault '{_words(fault)}'")
            if len(struck) > _MOST:
                say(f"struck: {len(struck) - _MOST:,} more")
            for fault in self._faults:
                if not any(faulty.has_struck(fault) for faulty in self._faulty):
                    say(f"never struck: --fault '{_words(fault)}'")


def _words(fault: Fault) -> str:
    options = [f"{name.replace('_', '-')}={value}" for name, value in fault.options().items()]
    return " ".join([fault.on, fault.do, *options])
