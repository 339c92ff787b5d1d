"""However a guest ends that has files open, no descriptor and no resource of it is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.guests.harness import Guest, until
from wasihost import GuestTrap, LimitError, Limits, PolicyContext, Rules, VirtualClock
from wasihost._network.faults.fault import FileCall
from wasihost._wasi.filesystem.directory import OsDirectory, OsFile
from wasihost.files import Directory, FaultyFiles, QuotaFiles
from wasihost.network import Fault, FaultPlan, Quotas
from wasihost.policy import FileUse
from wasihost.recording import Recording

GUESTS = ["rust-files", "rust-p2-files"]


class Failed(Exception):
    """What the embedder's side raises in these tests: no OSError, so nothing that a guest hears of."""


def _after(count: int, act: Callable[[], object], method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, but its call number `count` begins with `act`."""
    calls = 0

    def called(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            act()
        return method(*args)

    return called


def _fail() -> None:
    raise Failed


POINTS = [
    ("rust-files", "open-flags", OsDirectory, "open"),
    ("rust-files", "streams-outlive-descriptors", OsFile, "read_into"),
    ("rust-files", "file-to-file", OsFile, "write"),
    ("rust-files", "append", OsFile, "append"),
    ("rust-files", "read-directory", OsDirectory, "entries"),
    ("rust-p2-files", "open-flags", OsDirectory, "open"),
    ("rust-p2-files", "streams-outlive-descriptors", OsFile, "read_into"),
    ("rust-p2-files", "big-file", OsFile, "write"),
    ("rust-p2-files", "append-stream", OsFile, "append"),
    ("rust-p2-files", "read-directory", OsDirectory, "entries"),
]
points = pytest.mark.parametrize(("name", "case", "cls", "method"), POINTS)


@points
async def test_an_exception_comes_out_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, case: str, cls: type, method: str
) -> None:
    monkeypatch.setattr(cls, method, _after(2, _fail, getattr(cls, method)))
    with pytest.raises(Failed):
        await Guest(name, env={"CASE": case}, files={"/data": tmp_path}).run_async()


@points
async def test_a_cancelled_run_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, case: str, cls: type, method: str
) -> None:
    task = asyncio.create_task(Guest(name, env={"CASE": case}, files={"/data": tmp_path}).run_async())
    monkeypatch.setattr(cls, method, _after(2, task.cancel, getattr(cls, method)))
    await asyncio.wait([task])
    # A guest whose calls all end at once can be done before the cancellation is heard.
    assert task.cancelled() or task.exception() is None


@pytest.mark.parametrize("name", GUESTS)
async def test_a_guest_beyond_its_resources_leaves_nothing(tmp_path: Path, name: str) -> None:
    guest = Guest(name, env={"CASE": "rename-errors"}, files={"/data": tmp_path}, limits=Limits(resources=1))
    with pytest.raises(LimitError, match="resources"):
        await guest.run_async()


async def test_a_guest_that_traps_with_open_files_leaves_nothing(tmp_path: Path) -> None:
    guest = Guest("rust-p2-files", env={"CASE": "write"}, files={"/data": Directory(tmp_path, read_only=True)})
    with pytest.raises(GuestTrap):
        await guest.run_async()


# ---- with everything around the files: a policy, quotas, faults, a recording


class Never:
    """A policy that does not answer about one use, and allows all else."""

    def __init__(self, use: FileUse | None) -> None:
        self._use = use
        self.is_asked = asyncio.Event()

    async def __call__(self, path: str, use: FileUse, context: PolicyContext) -> bool:
        if use is self._use:
            self.is_asked.set()
            await asyncio.Event().wait()
        return True


def wrapped(
    name: str, case: str, directory: Path, plan: FaultPlan, policy: Never, clock: VirtualClock | None = None
) -> Guest:
    files = FaultyFiles(Directory(directory), plan, clock)
    return Guest(
        name,
        env={"CASE": case},
        files={"/data": QuotaFiles(files, Quotas(file_bytes_stored=1 << 30, files=1000))},
        quotas=Quotas(open_files=100, file_bytes_written=1 << 30),
        policy=Rules(files=policy),
        recording=Recording(),
    )


@pytest.mark.parametrize("name", GUESTS)
@pytest.mark.parametrize(
    ("call", "case"),
    [
        ("file-open", "open-flags"),
        ("file-read", "streams-outlive-descriptors"),
        ("file-write", "big-file"),
        ("file-list", "read-directory"),
        ("file-change", "rename"),
        ("file-stat", "stat"),
    ],
)
async def test_a_guest_that_is_cancelled_while_its_files_stall_leaves_nothing(
    tmp_path: Path, name: str, call: FileCall, case: str
) -> None:
    plan = FaultPlan(Fault(call, "stall", seconds=60, nth=3 if call == "file-open" else 1))
    clock = VirtualClock()
    task = asyncio.create_task(wrapped(name, case, tmp_path, plan, Never(None), clock).run_async())
    await until(lambda: clock.next_ns is not None or task.done())
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("name", GUESTS)
@pytest.mark.parametrize("use", FileUse)
async def test_a_guest_that_is_cancelled_while_its_policy_thinks_leaves_nothing(
    tmp_path: Path, name: str, use: FileUse
) -> None:
    policy = Never(use)
    task = asyncio.create_task(wrapped(name, "rename", tmp_path, FaultPlan(), policy).run_async())
    await policy.is_asked.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("name", GUESTS)
async def test_a_guest_that_ends_by_itself_leaves_nothing(tmp_path: Path, name: str) -> None:
    guest = wrapped(name, "streams-outlive-descriptors", tmp_path, FaultPlan(), Never(None))
    assert await guest.run_async() == "ok streams-outlive-descriptors\n"
