"""How a command ends: the exit code of an error, and its message on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from wasihost._base.errors import ConfigError, GuestExit, GuestTrap, LimitError, LinkError, WasihostError
from wasihost._commands.ending import Ended
from wasihost._commands.messages import ERROR, say
from wasihost._commands.provider_options import HINTS
from wasihost._wasi.cli.outputs import BROKEN_PIPE

FAILURE: Final = 1
USAGE: Final = 2
TIMED_OUT: Final = 124  # as timeout(1) has it
# As a shell reports a program that a signal ended: 128 and the number of SIGINT, SIGABRT, SIGTERM.
INTERRUPTED: Final = 130
TRAPPED: Final = 134
TERMINATED: Final = 143
TABLE: Final = (
    (str(0), "it worked: the guest's run gave ok, or it exited with 0; a server was ended"),
    (
        str(FAILURE),
        "the guest's run gave err; a component cannot run, be served or be inspected; a file cannot be read or written",
    ),
    (str(USAGE), "the command line is wrong"),
    ("1-255", "the guest exited with this code"),
    (str(TIMED_OUT), "the time or fuel of the guest is used up (run-time-s, cpu-time-s, fuel)"),
    (str(INTERRUPTED), "Ctrl-C, SIGINT"),
    (str(TRAPPED), "the guest trapped, or its stack is used up"),
    (str(BROKEN_PIPE), "the reader of its standard output has gone, SIGPIPE"),
    (str(TERMINATED), "SIGTERM"),
)
"""Each exit code with its meaning; `wasihost help exit-codes` prints it."""
_LIMITS: Final = {"run_time_s": TIMED_OUT, "cpu_time_s": TIMED_OUT, "fuel": TIMED_OUT, "stack_bytes": TRAPPED}


def exit_code_of(error: BaseException) -> int:
    """The exit code of a command that an error ended."""
    match error:
        case GuestExit() | Ended():
            return error.code
        case GuestTrap():
            return TRAPPED
        case LimitError():
            return _LIMITS.get(error.limit or "", FAILURE)
        case ConfigError():
            return USAGE
        case KeyboardInterrupt():
            return INTERRUPTED
        case BrokenPipeError():
            return BROKEN_PIPE
    return FAILURE


def ended(command: Callable[[], int]) -> int:
    """The exit code of a command, whose errors are printed."""
    try:
        return command()
    except WasihostError as error:
        complain(error)
        return exit_code_of(error)
    except KeyboardInterrupt as interrupt:
        return exit_code_of(interrupt)


def complain(error: WasihostError) -> None:
    """Prints an error, unless it is a guest that exited."""
    match error:
        case GuestExit():
            pass
        case GuestTrap():
            head, newline, backtrace = str(error).partition("\n")
            say(f"the guest trapped: {head}", ERROR)
            print(backtrace, end=newline, file=sys.stderr)
        case LinkError():
            say(str(error), ERROR)
            for start, option in HINTS.items():
                if start in str(error):
                    say(f"{start.rstrip('/')} is provided with {option}, see `wasihost run --help`")
        case _:
            say(str(error), ERROR)
