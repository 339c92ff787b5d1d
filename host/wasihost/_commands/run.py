"""`wasihost run`."""

from __future__ import annotations

import argparse
import contextlib
import select
import sys
from pathlib import Path
from typing import IO

from wasihost._base.errors import ConfigError, GuestExit, GuestTrap, WasihostError
from wasihost._base.quoting import json_text
from wasihost._commands import guest_options, wasmtime_options
from wasihost._commands.ending import Ending
from wasihost._commands.messages import say
from wasihost._commands.parsing import Commands, Parser, reflected
from wasihost._component.adapt import Component
from wasihost._component.running.stats import Stats
from wasihost._host.host import Host
from wasihost._wasi.cli.readiness import descriptor

_DESCRIPTION = """\
Runs a component that exports wasi:cli/run. Its standard streams are those of
this command.

SIGTERM and Ctrl-C end the guest in order, with its recordings written. If it
does not let go, the process ends after the time of --grace, or at a second
Ctrl-C, and the events until then are written.
"""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "run",
        help="run a component that exports wasi:cli/run",
        operands="COMPONENT [ARG ...]",
        description=_DESCRIPTION,
        topics=(*guest_options.TOPICS, "values"),
    )
    guest_options.add_to(parser)
    _add_own(parser)
    wasmtime_options.add_to(parser)
    # PARSER takes the first word that is no option and all that follows, options or not.
    parser.add_argument(
        "component",
        nargs=argparse.PARSER,
        metavar="COMPONENT",
        help="path of the component; everything after it becomes the guest's arguments",
    )
    parser.set_defaults(command=main)


def _add_own(parser: Parser) -> None:
    guest = parser.group("guest")
    guest.add_argument("--argv0", metavar="NAME", help="the guest's first argument, instead of the name of its file")
    guest.add_argument("--stdin", metavar="FILE", help="the file that the guest reads, instead of this command's stdin")
    parser.group("observe").add_argument(
        "--stats",
        action="store_true",
        help="at the end, print on stderr the costs of the run: time, bytes, turns, calls",
    )
    guest.add_argument(
        "--invoke",
        metavar="FUNCTION|CALL",
        help="call this export instead, such as 'my:pkg/api#f', with the words after COMPONENT as JSON, and print "
        "JSON; or as Wasmtime does: 'f(\"x\", [1, 2])'",
    )


# ---- the run


def main(arguments: argparse.Namespace) -> int:
    """Runs the component, or calls one export of it."""
    path, *words = arguments.component[arguments.component[0] == "--" :]
    with _stdin(arguments.stdin) as stdin, Ending(arguments.grace) as ending:
        host, learner = guest_options.host(
            arguments,
            ending,
            args=[Path(path).name if arguments.argv0 is None else arguments.argv0, *words],
            stdin=stdin,
            sigpipe=True,
            on_stats=_print_stats if arguments.stats else None,
        )
        component = reflected(host, path, arguments.plug, arguments.compiled)
        with guest_options.printing(ending, learner):
            if arguments.invoke is None:
                _run(ending, host, component)
            else:
                _invoke(ending, host, component, arguments.invoke, words)
    return 0


def _stdin(path: str | None) -> contextlib.AbstractContextManager[IO[bytes] | IO[str] | None]:
    try:
        return contextlib.nullcontext(sys.stdin) if path is None else open(path, "rb", buffering=0)
    except OSError as error:
        raise WasihostError(f"{path} cannot be read: {error.strerror}") from None


def _run(ending: Ending, host: Host, component: Component) -> None:
    try:
        ending.run(host.run_async(component))
    except (GuestExit, GuestTrap):
        # A guest of native WASI 0.2 gets an error for a broken pipe, and its C library decides how to go on.
        if component.native and _is_unread(sys.stdout):
            raise BrokenPipeError from None
        raise


def _invoke(ending: Ending, host: Host, component: Component, name: str, words: list[str]) -> None:
    """Prints the result. Errors: ConfigError for a function or argument that is wrong; WasihostError for an err."""
    from wasihost._commands.invocation import InvokedErr, invoke
    from wasihost._commands.jsonvalues import JsonError

    try:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        found = ending.run(invoke(host, component, name, words, encoding))
    except (LookupError, JsonError) as error:
        raise ConfigError(error.args[0]) from None
    except InvokedErr as error:
        raise WasihostError(f"{name} returned err: {json_text(str(error))}") from None
    if found is not None:
        print(found)


def _is_unread(file: IO[str] | None) -> bool:
    """Whether it is a pipe without a reader."""
    fd = descriptor(file)
    if fd is None:
        return False
    poll = select.poll()
    poll.register(fd, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _print_stats(stats: Stats) -> None:
    say(str(stats))
