"""The command line: `wasihost run`, `wasihost inspect`, `wasihost stubs` and `wasihost convert`."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import select
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from wasihost._base import quoting
from wasihost._base.errors import ComponentError, ConfigError, GuestExit, GuestTrap, LimitError, WasihostError
from wasihost._base.version import __version__
from wasihost._commands import file_options, limit_options, policy_options, recording_options, wasmtime_options
from wasihost._commands.ending import Ended, Ending
from wasihost._component import ffi
from wasihost._component.adapt import Component
from wasihost._component.cache import Cache
from wasihost._component.running.stats import Stats
from wasihost._host.host import Host, Wasip2
from wasihost._wasi.cli.outputs import BROKEN_PIPE
from wasihost._wasi.cli.readiness import descriptor

COMMANDS = ("run", "inspect", "stubs", "convert")
FAILURE = 1
USAGE = 2
# As a shell reports a program that a signal ended: 128 and the number of SIGINT, SIGABRT.
INTERRUPTED = 130
TRAPPED = 134
TIMED_OUT = 124  # as timeout(1) has it
_LIMITS: Final = {"run_time_s": TIMED_OUT, "cpu_time_s": TIMED_OUT, "stack_bytes": TRAPPED}

_DESCRIPTION = "Runs components of WASI 0.2 and 0.3, with every host function written in Python."

_EXAMPLES = """\
examples:
  wasihost run guest.wasm one --two      the guest gets the arguments guest.wasm, one and --two; run may be left out
  wasihost run --allow-net guest.wasm    with any network
  wasihost run --allow-inbound 'tcp://127.0.0.1:*' --env ADDRESS=127.0.0.1:8080 server.wasm
  wasihost inspect guest.wasm            what it imports and exports, and whether it will run
  wasihost stubs guest.wasm > guest.py   typed Python for them
  wasihost convert run.jsonl run.html    what a recording of `wasihost run --record run.jsonl` shows
"""

_REST = """\
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


_INSPECT = """\
Shows what a component imports and exports as WIT, and marks each imported function:
  direct      a Python function in Wasmtime's linker
  adapted     through the adapter component: async, with streams or futures
  native 0.2  Wasmtime's own WASI 0.2, with --wasip2 native
  denied 0.2  its sockets, which are denied whatever the policy
  missing     nothing provides it
exit code: 0 if the component will run, 1 if something is missing
"""


_STUBS = """\
Writes typed Python for a component to standard output:
  for each interface it imports    a Protocol: inherit from it, and give an object to Host(providers=...)
  for each interface it exports    a class to call: Api(instance), with async methods
  for their types                  dataclasses, enums and flags, which the values that come are of
Interfaces that wasihost provides itself are left out.

  wasihost stubs guest.wasm > guest.py
"""


_LIMIT_HELP = "another limit, as for `wasihost run`, such as world-parts=200000; may be repeated"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; gives the exit code."""
    _fill_standard_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of a guest may have characters that it lacks
    try:
        try:
            return _main(argv)
        finally:
            sys.stdout.flush()  # here, where a broken pipe can be handled
    except BrokenPipeError:
        # What is still in Python's buffer would be written at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _fill_standard_streams() -> None:
    """Opens those that this process was started without: the next file would get their number, and what goes there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, as Python's own it stays open


def _main(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(_with_command(sys.argv[1:] if argv is None else argv))
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except GuestExit as end:
        return end.code
    except ConfigError as error:
        _complain(error)
        return USAGE
    except GuestTrap as trap:
        print(f"wasihost: the guest trapped: {trap}", file=sys.stderr)
        return TRAPPED
    except LimitError as error:
        _complain(error)
        return _LIMITS.get(error.limit or "", FAILURE)
    except WasihostError as error:
        _complain(error)
        return FAILURE
    except Ended as end:
        return end.code
    except KeyboardInterrupt:
        return INTERRUPTED


def _with_command(words: Sequence[str]) -> Sequence[str]:
    """`run` may be left out before a component and its options, as of Wasmtime's command line."""
    first = words[0] if words else ""
    is_run = first.startswith("-") or "." in first or Path(first).is_file()
    is_complete = not first or first in (*COMMANDS, "-h", "--help", "--version")
    return ["run", *words] if is_run and not is_complete else words


def _complain(error: WasihostError) -> None:
    for line in str(error).splitlines():
        print(f"wasihost: {line}", file=sys.stderr)


# ---- commands


def _run(arguments: argparse.Namespace) -> int:
    path, *words = arguments.component[arguments.component[0] == "--" :]
    learner = policy_options.learner(arguments)
    network, seed = recording_options.replayed(arguments)
    limits, quotas = limit_options.limits(arguments)
    with _stdin(arguments.stdin) as stdin, Ending(arguments.grace) as ending:
        recording = ending.enter(recording_options.recording(arguments))
        host = Host(
            policy=policy_options.policy(arguments),
            on_decision=learner,
            network=network,
            quotas=quotas,
            recording=recording,
            host_names=_hosts(arguments),
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
            on_stats=_tell_stats if arguments.stats else None,
            cache=_cache(arguments),
        )
        component = _reflected(host, path)
        ending.enter(policy_options.told_at_the_end(learner))
        with policy_options.refusals_told(), file_options.refusals_printed():
            if arguments.invoke is not None:
                return _invoke(ending, host, component, arguments.invoke, words)
            return _run_to_the_end(ending, host, component)


def _run_to_the_end(ending: Ending, host: Host, component: Component) -> int:
    try:
        ending.run(host.run_async(component))
    except (GuestExit, GuestTrap):
        # Who writes by way of WASI 0.2 hears of a broken pipe, and what comes of it is up to a C library.
        if component.native and _is_unread(sys.stdout):
            return BROKEN_PIPE
        raise
    return 0


def _invoke(ending: Ending, host: Host, component: Component, name: str, words: list[str]) -> int:
    from wasihost._commands.invocation import InvokedErr, invoke
    from wasihost._commands.jsonvalues import JsonError

    try:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        found = ending.run(invoke(host, component, name, words, encoding))
    except (LookupError, JsonError) as error:
        print(f"wasihost: {quoting.line(error.args[0])}", file=sys.stderr)
        return USAGE
    except InvokedErr as error:
        print(quoting.line(f"wasihost: {name} returned err: {quoting.json_text(str(error))}"), file=sys.stderr)
        return FAILURE
    if found is not None:
        print(found)
    return 0


def _is_unread(file: IO[str] | None) -> bool:
    """Whether it is a pipe that nobody reads any more."""
    fd = descriptor(file)
    if fd is None:
        return False
    poll = select.poll()
    poll.register(fd, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _tell_stats(stats: Stats) -> None:
    for line in str(stats).splitlines():
        print(f"wasihost: {line}", file=sys.stderr)


def _inspect(arguments: argparse.Namespace) -> int:
    from wasihost._commands.inspection import Inspection  # nothing that `run` should wait for

    limits, _ = limit_options.limits(arguments)
    host = Host(cache=_cache(arguments), wasip2=arguments.wasip2, limits=limits)
    component = _reflected(host, arguments.component)
    inspection = Inspection(component, host.providers(), why=arguments.why)
    if not inspection.problems:
        component.compile()  # only then it is known whether its code is valid
    print(inspection.text)
    return FAILURE if inspection.problems else 0


def _stubs(arguments: argparse.Namespace) -> int:
    from wasihost._commands import stubs
    from wasihost._component.running.imports.providers import Providers

    limits, _ = limit_options.limits(arguments)
    host = Host(limits=limits)
    ours = Providers({} if arguments.all else host.providers())
    title = f"Typed Python for {Path(arguments.component).name}, written by `wasihost stubs`."
    print(stubs.write(_reflected(host, arguments.component), title, lambda name: ours.find(name) is not None), end="")
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    from wasihost._commands.recordings import convert

    convert(arguments.recording, arguments.files)
    return 0


def _reflected(host: Host, path: str) -> Component:
    try:
        return host.reflect(path)
    except OSError as error:
        raise ComponentError(f"{path} cannot be read: {error.strerror}") from None


def _cache(arguments: argparse.Namespace) -> Cache | None:
    return None if arguments.no_cache else Cache()


def _stdin(path: str | None) -> contextlib.AbstractContextManager[IO[bytes] | IO[str] | None]:
    try:
        return contextlib.nullcontext(sys.stdin) if path is None else open(path, "rb", buffering=0)
    except OSError as error:
        raise WasihostError(f"{path} cannot be read: {error.strerror}") from None


def _env(arguments: argparse.Namespace) -> dict[str, str]:
    inherited = dict(os.environ) if arguments.inherit_env else {}
    return inherited | {name: value for name, value in arguments.env if value is not None}


def _hosts(arguments: argparse.Namespace) -> dict[str, list[str]]:
    hosts: dict[str, list[str]] = {}
    for name, address in arguments.add_host:
        hosts.setdefault(name.lower(), []).append(address)
    return hosts


# ---- the command line


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "wasihost",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    versions = f"wasmtime {ffi.VERSION}, Python {platform.python_version()}"
    parser.add_argument("--version", action="version", version=f"wasihost {__version__} ({versions})")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_inspect(commands)
    _add_stubs(commands)
    _add_convert(commands)
    return parser


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "run",
        help="run a component that exports wasi:cli/run",
        usage=f"wasihost run {policy_options.USAGE}\n"
        f"                    {limit_options.USAGE}\n"
        f"                    {file_options.USAGE}\n"
        "                    [--add-host NAME=ADDRESS ...] [--env NAME[=VALUE] ...] [--inherit-env] [--argv0 NAME]\n"
        f"                    [--stdin FILE] [--seed N] {recording_options.USAGE}\n"
        "                    [--wasip2 python|native|none] [--grace SECONDS] [--no-cache] [--stats]\n"
        "                    [--invoke FUNCTION|CALL]\n"
        "                    COMPONENT [ARG ...]",
        description="Runs a component that exports wasi:cli/run. Its standard streams are those of this command.",
        epilog="\n".join([policy_options.HELP, limit_options.epilog(), _REST]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    policy_options.add_to(parser)
    limit_options.add_to(parser)
    file_options.add_to(parser)
    parser.add_argument(
        "--add-host",
        action="append",
        type=_variable,
        default=[],
        metavar="NAME=ADDRESS",
        help="tell the guest this address of a name, which it may always look up; may be repeated, also for one name",
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
    _add_reproduction(parser)
    _add_wasip2(parser)
    _add_no_cache(parser)
    parser.add_argument(
        "--stats", action="store_true", help="at the end, tell on stderr what the run cost: time, bytes, turns, calls"
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
    wasmtime_options.add_to(parser)
    # PARSER takes the first word that is no option and all that follows, options or not.
    parser.add_argument(
        "component",
        nargs=argparse.PARSER,
        metavar="COMPONENT",
        help="its file, or its text in a .wat file; all words after it are the guest's",
    )
    parser.set_defaults(command=_run)


def _add_reproduction(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stdin", metavar="FILE", help="what the guest reads, instead of this command's stdin")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="make all random numbers the same in every run; they are not secure then"
    )
    recording_options.add_to(parser)


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (seconds := float(text)) <= 1_000_000:
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 1,000,000")


def _environment_variable(text: str) -> tuple[str, str | None]:
    return _variable(text) if "=" in text or not text else (text, os.environ.get(text))


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _add_inspect(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "inspect",
        help="show what a component imports and exports, and whether it will run",
        description=_INSPECT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_wasip2(parser)
    _add_no_cache(parser)
    limit_options.add_to(parser, _LIMIT_HELP)
    parser.add_argument(
        "--why", action="store_true", help="a table instead: what serves each import, which version, which options"
    )
    parser.add_argument("component", metavar="COMPONENT", help="its file, or its text in a .wat file")
    parser.set_defaults(command=_inspect)


_WASIP2: Final[dict[str, Wasip2 | None]] = {"python": "python", "native": "native", "none": None}


def _add_wasip2(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wasip2",
        type=_wasip2,
        default="python",
        metavar="python|native|none",
        help="what serves WASI 0.2: this library, as 0.3 (default); Wasmtime's own implementation, which has no "
        "sockets and cannot be interrupted while it waits; or nothing: a guest that imports it is refused",
    )


def _wasip2(text: str) -> Wasip2 | None:
    if text not in _WASIP2:
        raise argparse.ArgumentTypeError(f"{text!r} is not {', '.join(_WASIP2)}")
    return _WASIP2[text]


def _add_no_cache(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="compile the component anew, and do not keep what comes of it",
    )


def _add_stubs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "stubs",
        help="write typed Python for what a component imports and exports",
        description=_STUBS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    limit_options.add_to(parser, _LIMIT_HELP)
    parser.add_argument("--all", action="store_true", help="also the interfaces that wasihost provides itself")
    parser.add_argument("component", metavar="COMPONENT", help="its file, or its text in a .wat file")
    parser.set_defaults(command=_stubs)


def _add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "convert",
        help="make a picture of a recording",
        description="Writes a recording, a transcript of `wasihost run --record`, in other formats.",
        allow_abbrev=False,
    )
    parser.add_argument("recording", metavar="RECORDING", help="the transcript")
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="what to write: .pcapng for Wireshark, .html for a browser, anything else is a transcript again",
    )
    parser.set_defaults(command=_convert)
