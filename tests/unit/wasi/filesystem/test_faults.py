"""Trees on which things go wrong: which calls are struck, and that the same plan or seed does the same again."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest

from tests.guests.harness import advance_until
from tests.unit.wasi.filesystem.trees import at_once, code_of
from wasihost import VirtualClock
from wasihost._base.clock import NS_PER_S
from wasihost._wasi.filesystem.answers import Later
from wasihost._wasi.filesystem.descriptor import Descriptor, preopened
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.metadata import When
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost.files import FaultyFiles, MemoryFiles
from wasihost.network import Fault, FaultPlan, RandomFaults

NONE, CREATE = OpenFlags(0), OpenFlags.CREATE
READ, WRITE = DescriptorFlags.READ, DescriptorFlags.WRITE


def _files(plan: FaultPlan | RandomFaults, clock: VirtualClock | None = None) -> tuple[FaultyFiles, Descriptor]:
    files = FaultyFiles(MemoryFiles({"/f": b"0123456789", "/d/x": b"x", "/d/y": b"y"}), plan, clock)
    ((root, _),) = preopened(Mounts({"/": files}, b"key"))
    return files, root


def _struck(*faults: Fault) -> Descriptor:
    return _files(FaultPlan(*faults))[1]


def _open(guest: Descriptor, path: str = "f") -> Descriptor:
    return at_once(guest.open(path, True, CREATE, READ | WRITE))


def _result(call: Any, *args: Any) -> Any:
    """What a call gives, or its error."""
    try:
        return at_once(call(*args))
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def test_the_nth_call_is_struck_of_all_files() -> None:
    guest = _struck(Fault("file-read", "EIO", nth=3))
    files = [_open(guest), _open(guest, "d/x")]
    assert [_result(file.read, 1, 0) for file in [*files, *files]] == [b"0", b"x", "EIO", b"x"]


def test_a_disk_is_full_after_so_many_bytes_and_stays_so() -> None:
    guest = _struck(Fault("file-write", "ENOSPC", after_bytes=5))
    one, two = _open(guest), _open(guest, "new")
    assert [_result(one.write, b"abc", 0), _result(two.write, b"abc", 0)] == [3, 2]
    assert [_result(one.write, b"a", 0), _result(two.write, b"a", 0), _result(one.read, 3, 0)] == [
        "ENOSPC",
        "ENOSPC",
        b"abc",
    ]


def test_a_path_narrows_down_which_files_are_struck_and_count() -> None:
    guest = _struck(Fault("file-write", "EIO", path="/d/*", after_bytes=2), Fault("file-open", "EACCES", path="/f"))
    one, other = _open(guest, "d/../d/./x"), _open(guest, "new")
    assert [_result(other.write, b"abc", 0), _result(one.write, b"abc", 0), _result(one.write, b"c", 2)] == [
        3,
        2,
        "EIO",
    ]
    assert code_of(guest.open, "f", True, NONE, READ) == "EACCES"
    directory = at_once(guest.open("d", True, NONE, READ))
    assert _result(_open(directory, "x").write, b"c", 2) == "EIO"


def test_a_short_call_moves_only_so_many_bytes() -> None:
    file = _open(_struck(Fault("file-read", "short", bytes=3), Fault("file-write", "short", bytes=2)))
    assert [_result(file.read, 100, 0), _result(file.write, b"abc", 0)] == [b"012", 2]
    assert _result(file.read, 100, 3) == b"345"


@pytest.mark.parametrize(
    ("call", "methods"),
    [
        ("file-open", [("open", "f", True, NONE, READ)]),
        ("file-list", [("entries",)]),
        (
            "file-stat",
            [("stat",), ("stat_at", "f", True), ("readlink", "f"), ("identity_hash_at", "f", True)],
        ),
        (
            "file-change",
            [
                ("create_directory", "new"),
                ("remove_directory", "d"),
                ("remove_file", "f"),
                ("symlink", "f", "new"),
                ("set_times", When.NOW, When.NOW),
                ("set_times_at", "f", True, When.NOW, When.NOW),
            ],
        ),
        ("file-sync", [("sync", True), ("sync", False)]),
    ],
)
def test_each_call_is_struck_by_its_faults(call: Any, methods: list[tuple[Any, ...]]) -> None:
    files, guest = _files(FaultPlan(Fault(call, "EDQUOT")))
    assert [code_of(getattr(guest, name), *args) for name, *args in methods] == ["EDQUOT"] * len(methods)
    assert not files.unused
    others, guest = _files(FaultPlan(*(Fault(name, "EDQUOT") for name in ("file-read", "file-write"))))
    for name, *args in methods:
        code_of(getattr(guest, name), *args)
    assert (len(others.injected), len(others.unused)) == (0, 2)


async def test_a_stall_takes_its_time_and_then_the_call_is_made_or_fails() -> None:
    clock = VirtualClock()
    files, guest = _files(
        FaultPlan(Fault("file-read", "stall", seconds=5, nth=1), Fault("file-read", "EIO", nth=1)), clock
    )
    answer = _open(guest).read(4, 0)
    assert isinstance(answer, Later)
    began_ns = clock.monotonic_ns()
    reading = asyncio.ensure_future(answer)
    await advance_until(clock, reading)
    assert isinstance(reading.exception(), OSError)
    assert (clock.monotonic_ns() - began_ns, len(files.injected)) == (5 * NS_PER_S, 2)


def _some_work(guest: Descriptor) -> list[Any]:
    found: list[Any] = []
    for number in range(20):
        found.append(code_of(guest.stat_at, "f", True))
        opened = _result(guest.open, f"new{number % 3}", True, CREATE, READ | WRITE)
        if isinstance(opened, Descriptor):
            found += [_result(opened.write, b"abcdefgh", number), _result(opened.read, 100, 0)]
            opened.close()
    return found


def test_chance_is_the_same_for_the_same_seed_and_its_plan_repeats_it() -> None:
    chance = RandomFaults(7, rate=0.2, do=["EIO", "ENOSPC", "short", "EMFILE"])
    files, guest = _files(chance)
    found = _some_work(guest)
    assert len(files.injected) > 5
    assert _some_work(_files(chance)[1]) == found
    again, guest = _files(files.injected)
    assert (_some_work(guest), again.unused) == (found, FaultPlan())
    assert str(files).startswith(f"seed 7: {len(files.injected)} faults were injected")


def test_a_plan_that_struck_after_so_many_bytes_repeats_it() -> None:
    fault = Fault("file-write", "short", bytes=3, after_bytes=10, path="/new1")
    files, guest = _files(FaultPlan(fault))
    found = _some_work(guest)
    assert list(files.injected) == [fault]
    assert _some_work(_files(files.injected)[1]) == found


def test_faults_of_the_network_are_none_of_files() -> None:
    files, guest = _files(FaultPlan(Fault("connect", "EIO"), Fault("file-read", "EIO", nth=2)))
    _open(guest).read(1, 0)
    assert list(files.unused) == [Fault("file-read", "EIO", nth=2)]
    with pytest.raises(TypeError, match="plan: expected a FaultPlan or RandomFaults, got 7"):
        FaultyFiles(MemoryFiles(), 7)  # type: ignore[arg-type]
