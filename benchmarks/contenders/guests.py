"""The guests themselves: under wasihost in this process, under the wasmtime CLI and jco in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.contenders.base import PREBUILT, Contender, Figures, Job, OnLine, figures
from benchmarks.machine import ENOUGH_FILES
from wasihost import Component, Host, OsNetwork, allow_all

HERE = Path(__file__).parent
PEERS = HERE.parent / ".peers"
LIMIT_S = 60  # no job takes a tenth of it


@cache
def load(guest: str) -> Component:
    """A guest, compiled once."""
    return Host().load(PREBUILT / f"{guest}.wasm")


class Lines:
    """Cuts output into lines."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line, self._rest, self.last = on_line, b"", ""

    def __call__(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not line.startswith(b"ok "):  # which says that a case is done
                self.last = line.decode()
            self._on_line(line.decode())


class Wasihost(Contender):
    name = "wasihost"

    def run(self, guest: str, job: Job, on_line: OnLine = lambda _: None) -> Figures:
        lines = Lines(on_line)
        self.host(job, lines).run(load(guest))
        return figures(lines.last)

    def host(self, job: Job, lines: Lines) -> Host:
        """A host whose guest does the job."""
        network = OsNetwork(sockets=ENOUGH_FILES)
        env = {name: str(value) for name, value in job.items()}
        files = {"/data": env["FOLDER"]} if "FOLDER" in env else None
        return Host(network=network, policy=allow_all, env=env, stdout=lines, files=files)


class Process(Contender):
    """A host with a command line."""

    def command(self, guest: str, job: Job) -> Sequence[str | Path]:
        raise NotImplementedError

    def run(self, guest: str, job: Job, on_line: OnLine = lambda _: None) -> Figures:
        lines = Lines(on_line)
        environment = {**os.environ, **{name: str(value) for name, value in job.items()}}
        command = self.command(guest, job)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            alarm = threading.Timer(LIMIT_S, process.kill)
            alarm.start()
            for line in process.stdout:
                lines(line)
            errors = process.stderr.read().decode()
        alarm.cancel()
        if process.returncode:
            raise RuntimeError(f"{guest} with {dict(job)}: code {process.returncode}, {errors}")
        return figures(lines.last)


class WasmtimeCli(Process):
    """Wasmtime's own host, in Rust."""

    name = "wasmtime CLI"

    def __init__(self) -> None:
        self.path = os.environ.get("WASMTIME") or shutil.which("wasmtime") or ""
        self.missing = None if self.path else "not installed"

    def version(self) -> str:
        return _first_line([self.path, "--version"]).removeprefix("wasmtime ")

    def command(self, guest: str, job: Job) -> Sequence[str | Path]:
        flags = ["-Wcomponent-model-async=y", "-Sp3=y", "-Sinherit-network=y"]
        if "FOLDER" in job:
            flags += ["--dir", f"{job['FOLDER']}::/data"]
        variables = [word for name, value in job.items() for word in ("--env", f"{name}={value}")]
        return [self.path, "run", *flags, *variables, PREBUILT / f"{guest}.wasm"]


class Jco(Process):
    """JavaScript: the guest transpiled by jco, on node."""

    name = "jco"
    share = 128
    slower = 8

    def __init__(self) -> None:
        self.node = PEERS / "node_modules" / ".bin" / "node"
        self.missing = None if self.node.exists() else "not installed"

    def version(self) -> str:
        packages = (self.node.parents[1] / "@bytecodealliance" / "jco" / "package.json").read_text(encoding="utf-8")
        return f"{json.loads(packages)['version']} on node {_first_line([self.node, '--version'])}"

    def command(self, guest: str, job: Job) -> Sequence[str | Path]:
        return [self.node, HERE / "jco.mjs", self._transpiled(guest)]

    def does(self, job: Job) -> bool:
        return int(job.get("CONNECTIONS", 1)) <= 1000

    def _transpiled(self, guest: str) -> Path:
        source, folder = PREBUILT / f"{guest}.wasm", PEERS / "out" / guest
        made = folder / f"{guest}.js"
        if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
            jco = PEERS / "node_modules" / ".bin" / "jco"
            path = f"{self.node.parent}{os.pathsep}{os.environ['PATH']}"
            subprocess.run([jco, "transpile", source, "-o", folder, "-q"], check=True, env={**os.environ, "PATH": path})
        return made


def _first_line(command: Sequence[str | Path]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.partition("\n")[0]
