"""The options `--record`, `--trace` and `--replay` of `wasihost run`."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from wasihost._base.errors import WasihostError
from wasihost._commands.parsing import Parser

if TYPE_CHECKING:  # only to record or replay
    from wasihost._http.messages import Handler
    from wasihost._network.base import Network
    from wasihost._recording import Recording
    from wasihost._wasi.filesystem.nodes import FileSystem


def add_to(parser: Parser) -> None:
    """Adds the options."""
    observe = parser.group("observe")
    observe.add_argument(
        "--record",
        action="append",
        default=[],
        metavar="FILE",
        help="write a recording of all that goes between the guest and the outside world: .pcapng for Wireshark, .html "
        "for a browser, anything else is a transcript in JSON Lines; may be repeated",
    )
    observe.add_argument("--trace", action="store_true", help="print each event on stderr, as it happens")
    parser.group("reproduce").add_argument(
        "--replay",
        metavar="FILE",
        help="instead of the network and directories, play back this recording; fails where the guest does something "
        "else",
    )


def recording(arguments: argparse.Namespace) -> contextlib.AbstractContextManager[Recording | None]:
    """The recording that the options ask for, if they do. Errors: WasihostError, MissingExtraError."""
    if not (arguments.record or arguments.trace):
        return contextlib.nullcontext()
    from wasihost._commands.recordings import recording_to

    return recording_to(arguments.record, trace=arguments.trace)


def loaded(path: str) -> Recording:
    """The recording in a file. Errors: WasihostError."""
    from wasihost._recording import Recording

    try:
        return Recording.load(path)
    except OSError as error:
        raise WasihostError(f"{path} cannot be read: {error.strerror}") from None


class Replayed(NamedTuple):
    """The parts of a recording that are played back to a guest: no files, if it had none."""

    network: Network | None
    files: Mapping[str, FileSystem]
    http: Mapping[str, Handler]
    seed: int | None


def replayed(arguments: argparse.Namespace) -> Replayed:
    """The parts for the only guest that was recorded; the seed is of the options or the recording.

    Errors: WasihostError.
    """
    if arguments.replay is None:
        return Replayed(None, {}, {}, arguments.seed)
    return parts_of(loaded(arguments.replay), None, arguments.seed)


def parts_of(recording: Recording, guest: int | None, seed: int | None) -> Replayed:
    """The parts for the guest of that number, or for the only one. Errors: WasihostError."""
    from wasihost._host.replayed_files import ReplayFiles
    from wasihost._recording.replay import ReplayNetwork
    from wasihost._recording.replay.http import ReplayHttp

    return Replayed(
        ReplayNetwork(recording, guest=guest),
        ReplayFiles(recording, guest=guest),
        ReplayHttp(recording, guest=guest),
        recording.seed if seed is None else seed,
    )
