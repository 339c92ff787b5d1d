"""`wasihost run`."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import sys
from pathlib import Path
from typing import IO

from wasihost._base.errors import ConfigError, GuestExit, GuestTrap, WasihostError
from wasihost._base.quoting import json_text
from wasihost._commands import file_options, limit_options, policy_options, recording_options, wasmtime_options
from wasihost._commands.ending import Ending
from wasihost._commands.parsing import Commands, add_no_cache, add_wasip2, cache, reflected
from wasihost._component.adapt import Component
from wasihost._component.running.stats import Stats
from wasihost._host.host import Host
from wasihost._wasi.cli.readiness import descriptor

_USAGE = f"""\
wasihost run {policy_options.USAGE}
                    {limit_options.USAGE}
                    {file_options.USAGE}
                    [--add-host NAME=ADDRESS ...] [--env NAME[=VALUE] ...] [--inherit-env] [--argv0 NAME]
                    [--stdin FILE] [--seed N] {recording_options.USAGE}
                    [--wasip2 python|native|none] [--grace SECONDS] [--no-cache] [--stats]
                    [--invoke FUNCTION|CALL]
                    COMPONENT [ARG ...]"""

_NOTES = """\
Compiled components are kept in $XDG_CACHE_HOME/wasihost or ~/.cache/wasihost (macOS: ~/Library/Caches/wasihost), at
most 512 MiB of them, so that a component starts at once the next time. Delete the directory to clear it.

With --invoke, values are JSON:
  bool, numbers, char, string, list, tuple   as in JSON; floats also "NaN", "Infinity", "-Infinity"
  record      an object by the names of WIT; an option may be left out
  enum, flags its name, an array of names
  variant     {"case": NAME} or {"case": NAME, "value": VALUE}
  option      the value or null; {"some": VALUE} around the inner one of two
  result      returned: its ok, or err on standard error; else {"ok": VALUE} or {"err": VALUE}
  list<u8>    {"base64": TEXT}; given also as a string (its UTF-8) or an array
  stream      an array of all elements, for u8 as list<u8>
  future      its value
  wasihost run --invoke my:pkg/api#divide guest.wasm 7 2
  wasihost run --invoke 'divide(7, 2)' guest.wasm          the same in Wasmtime's form (WAVE), in which the result is
                                                           printed too, ok(3) or err(...) with exit code 0

exit code: 0 or 1 as the guest's run gives ok or err, the guest's own when it exits, 1 when it cannot run, 2 when the
command line is wrong, 124 when its time is over, 130 after Ctrl-C, 134 after a trap, 141 when nobody reads its stdout
any more, 143 after SIGTERM

SIGTERM and Ctrl-C end the guest in order, with its recordings written. If it does not let go, the process ends when the
grace after SIGTERM is over, or at a second Ctrl-C, and what was recorded until then is written.
"""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "run",
        help="run a component that exports wasi:cli/run",
        usage=_USAGE,
        description="Runs a component that exports wasi:cli/run. Its standard streams are those of this command.",
        notes=lambda: "\n".join([policy_options.HELP, limit_options.epilog(), _NOTES]),
    )
    policy_options.add_to(parser)
    limit_options.add_to(parser)
    file_options.add_to(parser)
    _add_guest(parser)
    recording_options.add_to(parser)
    _add_running(parser)
    wasmtime_options.add_to(parser)
    # PARSER takes the first word that is no option and all that follows, options or not.
    parser.add_argument(
        "component",
        nargs=argparse.PARSER,
        metavar="COMPONENT",
        help="path of the component; everything after it becomes the guest's arguments",
    )
    parser.set_defaults(command=main)


def _add_guest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--add-host",
        action="append",
        type=_variable,
        default=[],
        metavar="NAME=ADDRESS",
        help="resolve NAME to ADDRESS for the guest; may be repeated, also for one name",
    )
    parser.add_argument(
        "--env",
        action="append",
        type=_environment_variable,
        default=[],
        metavar="NAME[=VALUE]",
        help="set an environment variable of the guest, which sees none of this process, or give it this one; "
        "may be repeated, of one name the last counts",
    )
    parser.add_argument("--inherit-env", action="store_true", help="give the guest all variables of this process")
    parser.add_argument("--argv0", metavar="NAME", help="the guest's first argument, instead of the name of its file")
    parser.add_argument("--stdin", metavar="FILE", help="what the guest reads, instead of this command's stdin")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="make all random numbers the same in every run; they are not secure then"
    )


def _add_running(parser: argparse.ArgumentParser) -> None:
    add_wasip2(parser)
    add_no_cache(parser)
    parser.add_argument(
        "--stats", action="store_true", help="at the end, print on stderr what the run cost: time, bytes, turns, calls"
    )
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=5.0,
        metavar="SECONDS",
        help="end at most so many seconds after SIGTERM, whatever the guest does; 5 by default",
    )
    parser.add_argument(
        "--invoke",
        metavar="FUNCTION|CALL",
        help="call this export instead, such as 'my:pkg/api#f', with the words after COMPONENT as JSON, and print "
        "JSON; or as Wasmtime does: 'f(\"x\", [1, 2])'",
    )


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        seconds = float(text)
        if 0 <= seconds <= 1_000_000:
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 1,000,000")


def _environment_variable(text: str) -> tuple[str, str | None]:
    return _variable(text) if "=" in text or not text else (text, os.environ.get(text))


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


# ---- the run


def main(arguments: argparse.Namespace) -> int:
    """Runs the component, or calls one export of it."""
    path, *words = arguments.component[arguments.component[0] == "--" :]
    learner = policy_options.learner(arguments)
    network, seed = recording_options.replayed(arguments)
    limits, quotas = limit_options.limits(arguments)
    with _stdin(arguments.stdin) as stdin, Ending(arguments.grace) as ending:
        host = Host(
            policy=policy_options.policy(arguments),
            on_decision=learner,
            network=network,
            quotas=quotas,
            recording=ending.enter(recording_options.recording(arguments)),
            host_names=_host_names(arguments),
            files=file_options.directories(arguments),
            env=_env(arguments),
            args=[Path(path).name if arguments.argv0 is None else arguments.argv0, *words],
            stdin=stdin,
            stdout=descriptor(sys.stdout),
            stderr=descriptor(sys.stderr),
            sigpipe=True,
            seed=seed,
            wasip2=arguments.wasip2,
            limits=limits,
            on_stats=_print_stats if arguments.stats else None,
            cache=cache(arguments),
        )
        component = reflected(host, path)
        ending.enter(policy_options.told_at_the_end(learner))
        with policy_options.refusals_told(), file_options.refusals_printed():
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


def _env(arguments: argparse.Namespace) -> dict[str, str]:
    inherited = dict(os.environ) if arguments.inherit_env else {}
    return inherited | {name: value for name, value in arguments.env if value is not None}


def _host_names(arguments: argparse.Namespace) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, address in arguments.add_host:
        found.setdefault(name.lower(), []).append(address)
    return found


def _run(ending: Ending, host: Host, component: Component) -> None:
    try:
        ending.run(host.run_async(component))
    except (GuestExit, GuestTrap):
        # A guest of native WASI 0.2 gets an error for a broken pipe, and its C library decides what comes then.
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
    """Whether it is a pipe that nobody reads any more."""
    fd = descriptor(file)
    if fd is None:
        return False
    poll = select.poll()
    poll.register(fd, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _print_stats(stats: Stats) -> None:
    for line in str(stats).splitlines():
        print(f"wasihost: {line}", file=sys.stderr)
