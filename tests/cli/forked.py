"""Commands as forks of a process that has imported them, which saves the start of a Python and the imports of each."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.processes import TIMEOUT_S
from wasihost import __main__ as program
from wasihost._commands import convert, inspect, invocation, run  # noqa: F401, which the forks have then

STREAMS = {"stdin": "r", "stdout": "w", "stderr": "w"}
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


def exit_code(words: Sequence[str], folder: Path, streams: Path, environment: dict[str, str]) -> int:
    """Runs a command in a folder; its standard streams are files of these names in another one."""
    process = CONTEXT.Process(target=_run, args=(words, folder, streams, environment))
    process.start()
    try:
        process.join(TIMEOUT_S)
        assert process.exitcode is not None, f"{words} did not end"
        return process.exitcode
    finally:
        process.kill()
        process.join()
        process.close()


def _run(words: Sequence[str], folder: Path, streams: Path, environment: dict[str, str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, (name, mode) in enumerate(STREAMS.items()):
        with open(streams / name, mode) as file:
            os.dup2(file.fileno(), number)
        buffering, errors = (1, "backslashreplace") if name == "stderr" else (-1, "strict")  # as Python opens its own
        setattr(sys, name, open(number, mode, buffering, errors=errors, closefd=False))  # noqa: SIM115
    sys.argv[1:] = words
    sys.exit(program.start())
