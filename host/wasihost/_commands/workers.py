"""Several processes that serve on one socket.

Theory of operation. The socket listens before the processes are forked, so each accepts from the same queue, and none
that is in it is lost when one of them ends. A worker is in a process group of its own: Ctrl-C of a terminal reaches the
first process alone, which passes it on once. No thread and no engine of Wasmtime is there before the fork.

The first process also holds the only writing end of a pipe. When it is gone, by SIGKILL too, each worker reads the end
of that pipe and sends itself SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address

from wasihost._commands.messages import ERROR, say

_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGCHLD})
_BACKLOG = 1024


def listener(addr: str, port: int) -> socket.socket:
    """A socket that listens. Errors: OSError, ValueError."""
    family = socket.AF_INET6 if ip_address(addr).version == 6 else socket.AF_INET
    made = socket.create_server((addr, port), family=family, backlog=_BACKLOG)
    made.set_inheritable(True)
    return made


def run(count: int, work: Callable[[int, Callable[[], None]], int], ready: Callable[[], None]) -> int:
    """Runs `work` in so many processes until all have ended; gives the exit code.

    `work` gets its number, from 1 on, and a function to call once it serves; `ready` is called when all do. SIGTERM and
    SIGINT end the workers in order, a second signal ends them at once, and when one fails the others are ended.
    """
    signal.signal(signal.SIGCHLD, lambda *_: None)  # else it might be discarded while it is blocked
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    reader, reporting = os.pipe()
    alive, held = os.pipe()

    def in_worker(number: int) -> int:
        os.close(reader)
        os.close(held)
        _end_with_parent(alive)
        return work(number, lambda: _report(reporting))

    workers = {_forked(partial(in_worker, number)) for number in range(1, count + 1)}
    os.close(reporting)
    os.close(alive)
    with open(held, "wb"):
        with open(reader, "rb") as reports:
            if len(reports.read(count)) == count:
                ready()
        return _supervised(workers)


def _forked(work: Callable[[], int]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        code = work()
    except Exception:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _end_with_parent(alive: int) -> None:
    """Sends this process SIGTERM once its parent, which has the other end of the pipe, is gone."""

    def wait() -> None:
        os.read(alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="wasihost-parent", daemon=True).start()


def _report(writer: int) -> None:
    os.write(writer, b"1")
    os.close(writer)


def _supervised(workers: set[int]) -> int:
    code = 0
    is_ending = False
    while workers:
        number = signal.sigwait(_SIGNALS)
        if number == signal.SIGCHLD:
            for pid, status in _ended(workers):
                workers.discard(pid)
                if status and not is_ending:
                    say(f"worker {pid} ended with {status}, and so do the others", ERROR)
                code = code or status
                _send(workers, signal.SIGTERM, unless=is_ending)
                is_ending = True
        else:
            _send(workers, signal.SIGKILL if is_ending else signal.SIGTERM)
            is_ending = True
    return code


def _ended(workers: set[int]) -> list[tuple[int, int]]:
    """Those that have ended, with their exit codes; 128 and the number of a signal."""
    found = []
    for pid in workers:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            found.append((pid, code if code >= 0 else 128 - code))
    return found


def _send(workers: set[int], number: int, unless: bool = False) -> None:
    for pid in () if unless else workers:
        os.kill(pid, number)
