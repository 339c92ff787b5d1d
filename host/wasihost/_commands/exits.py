"""How a command ends: the exit code of an error, and what it prints on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from wasihost._base.errors import ConfigError, GuestExit, GuestTrap, LimitError, WasihostError
from wasihost._commands.ending import Ended
from wasihost._wasi.cli.outputs import BROKEN_PIPE

FAILURE: Final = 1
USAGE: Final = 2
TIMED_OUT: Final = 124  # as timeout(1) has it
# As a shell reports a program that a signal ended: 128 and the number of SIGINT, SIGABRT.
INTERRUPTED: Final = 130
TRAPPED: Final = 134
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
            print(f"wasihost: the guest trapped: {error}", file=sys.stderr)
        case _:
            for line in str(error).splitlines():
                print(f"wasihost: {line}", file=sys.stderr)
