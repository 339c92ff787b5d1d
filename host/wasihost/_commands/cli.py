"""The command line: `wasihost` and its commands."""

from __future__ import annotations

import importlib
import io
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from wasihost._base.nearest import did_you_mean
from wasihost._base.version import __version__
from wasihost._commands.exits import ended, exit_code_of
from wasihost._commands.parsing import Parser
from wasihost._component import ffi

COMMANDS: Final = {
    "run": "run",
    "serve": "serve",
    "inspect": "inspect",
    "compile": "compiling",
    "stubs": "stubs",
    "convert": "convert",
    "doctor": "doctor",
    "completion": "completion",
    "help": "help",
}
"""Each command with its module."""

_DESCRIPTION = "Runs components of WASI 0.2 and 0.3, with every host function written in Python."

_EXAMPLES = """\
examples:
  wasihost guest.wasm one --two      run it with the arguments guest.wasm, one and
                                     --two; short for wasihost run guest.wasm ...
  wasihost run --allow-net guest.wasm
                                     with any network
  wasihost run --allow-inbound 'tcp://127.0.0.1:*' --env PORT=0 server.wasm
  wasihost serve app.wasm            answer HTTP requests on 127.0.0.1:8080
  wasihost inspect guest.wasm        its imports and exports, and whether it will
                                     run
  wasihost compile app.wasm -o app.bin
                                     native code, which `wasihost serve
                                     --compiled app.bin` starts at once
  wasihost stubs guest.wasm > guest.py
                                     typed Python for them
  wasihost convert run.jsonl run.html
                                     a page of a recording that `wasihost run
                                     --record run.jsonl` made
"""


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
    except BrokenPipeError as error:
        # The rest of Python's buffer would be written at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_code_of(error)


def _fill_standard_streams() -> None:
    """Opens those that this process was started without: the next file would get their number, and their data."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, as Python's own it stays open


def _main(argv: Sequence[str] | None) -> int:
    words = _with_command(sys.argv[1:] if argv is None else argv)
    name = words[0] if words else ""
    whole = parser(name if name in COMMANDS and name != "completion" else None)
    if name and not name.startswith("-") and name not in COMMANDS:
        whole.error(f"there is no command {name}{did_you_mean(name, COMMANDS)}")
    arguments = whole.parse_args(words)
    command: Callable[..., int] = arguments.command
    return ended(lambda: command(arguments))


def _with_command(words: Sequence[str]) -> Sequence[str]:
    """The words with the command that they mean.

    `run` may be left out before a component and its options, as in Wasmtime's command line; `help run` is `run --help`.
    """
    first = words[0] if words else ""
    if first == "help" and (len(words) == 1 or words[1] in COMMANDS):
        return [*words[1:2], "--help"]
    is_run = first.startswith("-") or "." in first or Path(first).is_file()
    is_complete = not first or first in (*COMMANDS, "-h", "--help", "--version")
    return ["run", *words] if is_run and not is_complete else words


def parser(only: str | None = None) -> Parser:
    """The parser of the whole command line, or with one command: the others take time, also to import."""
    whole = Parser(prog="wasihost", operands="COMMAND ...", description=_DESCRIPTION)
    if only is None:
        from wasihost._commands.help import listed

        whole.epilog = f"{_EXAMPLES}\n{listed()}"
    versions = f"wasmtime {ffi.VERSION}, Python {platform.python_version()}"
    whole.add_argument("--version", action="version", version=f"wasihost {__version__} ({versions})")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS if only is None else [only]:
        importlib.import_module(f"wasihost._commands.{COMMANDS[name]}").add_to(commands)
    return whole
