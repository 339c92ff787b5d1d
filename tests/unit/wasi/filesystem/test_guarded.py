"""A tree whose paths a policy is asked about: which paths and uses, before what, and what a refusal hides."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.guests.harness import advance_until, passes, until
from tests.unit.wasi.filesystem.trees import at_once, code_of, descriptor, make_tree, open_files
from wasihost import VirtualClock
from wasihost._policy import Decision, FileUse, PolicyContext, Rules
from wasihost._policy.asking import Asker
from wasihost._wasi.filesystem.answers import Answer, Later, settled
from wasihost._wasi.filesystem.descriptor import Descriptor, preopened
from wasihost._wasi.filesystem.directory import Directory
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.metadata import When
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost.files import FaultyFiles, MemoryFiles
from wasihost.network import Fault, FaultPlan

NONE = OpenFlags(0)
CREATE, TRUNCATE = OpenFlags.CREATE, OpenFlags.TRUNCATE
READ, WRITE = DescriptorFlags.READ, DescriptorFlags.WRITE


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_tree(tmp_path)


class _Noting:
    """A policy that allows everything but what it is given, and notes what it is asked."""

    def __init__(self, *refused: str) -> None:
        self.asked: list[str] = []
        self._refused = refused

    def __call__(self, path: str, use: FileUse, context: PolicyContext) -> bool:
        self.asked.append(f"{use.value} {path}")
        return self.asked[-1] not in self._refused


def _guest(base: Path, policy: _Noting) -> Descriptor:
    return descriptor(base, policy=Rules(files=policy))


def _asked(base: Path, call: Callable[[Descriptor], Any]) -> list[str]:
    """What the policy is asked for a call."""
    policy = _Noting()
    code_of(call, _guest(base, policy))
    return policy.asked


def test_a_path_is_asked_about_as_it_is_once_links_and_dots_are_resolved(base: Path) -> None:
    def stat(path: str, follow: bool = True) -> list[str]:
        return _asked(base, lambda guest: guest.stat_at(path, follow))

    assert stat("dir/../lf") == ["read /f"]
    assert stat("lf", follow=False) == ["read /lf"]
    assert stat("ld/./x") == stat("slash/x") == ["read /dir/x"]
    assert stat("ld/") == stat("ld/.") == ["read /dir"]
    assert stat(".") == stat("dir/..") == ["read /"]
    assert stat("dangling") == ["read /nowhere"]
    assert stat("nope/../f") == ["read /f"]


def test_each_operation_asks_for_its_uses(base: Path) -> None:
    (base / "empty").mkdir()

    def opening(how: OpenFlags, use: DescriptorFlags) -> Callable[[Descriptor], Any]:
        return lambda guest: guest.open("f", False, how, use)

    now = When.NOW
    rows: list[tuple[Callable[[Descriptor], Any], list[str]]] = [
        (opening(NONE, DescriptorFlags(0)), ["read /f"]),
        (opening(NONE, READ), ["read /f"]),
        (opening(NONE, WRITE), ["write /f"]),
        (opening(NONE, READ | WRITE), ["read /f", "write /f"]),
        (opening(CREATE, WRITE), ["write /f"]),
        (opening(TRUNCATE, READ), ["read /f", "write /f"]),
        (lambda guest: guest.open("dir", False, NONE, READ | DescriptorFlags.MUTATE_DIRECTORY), ["read /dir"]),
        (lambda guest: guest.readlink("lf"), ["read /lf"]),
        (lambda guest: guest.identity_hash_at("lf", True), ["read /f"]),
        (lambda guest: guest.set_times_at("lf", True, now, now), ["write /f"]),
        (lambda guest: guest.create_directory("new/"), ["write /new"]),
        (lambda guest: guest.remove_directory("new/"), ["write /new"]),
        (lambda guest: guest.symlink("../anywhere", "dir/link"), ["write /dir/link"]),
        (lambda guest: guest.remove_file("dir/link"), ["write /dir/link"]),
        (lambda guest: guest.link("f", False, guest, "dir/f"), ["read /f", "write /f", "write /dir/f"]),
        (lambda guest: guest.rename("dir/f", guest, "g"), ["read /dir/f", "write /dir/f", "write /g"]),
        (
            lambda guest: guest.rename("empty/", guest, "full"),
            ["read /empty", "write /empty", "write /full", "move /empty", "move /full"],
        ),
        (lambda guest: guest.entries().close(), ["read /"]),
        (lambda guest: guest.set_times(now, now), ["write /"]),
        (lambda guest: guest.stat(), []),
    ]
    found = [_asked(base, call) for call, _ in rows]
    assert found == [expected for _, expected in rows]


def test_what_is_refused_is_access_and_is_not_done(base: Path) -> None:
    guest = descriptor(base, policy=Rules(files=["read **", "deny /dir/**"]))
    before = sorted(base.rglob("*"))
    assert code_of(guest.open, "f", False, CREATE | TRUNCATE, WRITE) == "EACCES"
    assert code_of(guest.rename, "f", guest, "g") == "EACCES"
    assert code_of(guest.open, "ld/x", False, NONE, READ) == "EACCES"
    assert code_of(guest.open, "f", False, NONE, READ) == "ok"
    assert (sorted(base.rglob("*")), (base / "f").read_text()) == (before, "content")


def test_a_refusal_does_not_say_what_is_there(base: Path) -> None:
    guest = descriptor(base, policy=Rules(files=["deny /dir/**"]))
    for path in ("dir/x", "dir/nope", "dir/nope/y", "dir/x/y", "dir/x/"):
        assert code_of(guest.stat_at, path, False) == "EACCES"
    assert code_of(guest.stat_at, "nope/y", False) == "ENOENT"


def test_a_path_that_leads_out_is_not_asked_about(base: Path) -> None:
    policy = _Noting()
    guest = _guest(base, policy)
    found = [code_of(guest.stat_at, path, True) for path in ("esc", "abs", "escd/secret", "../out", "/f")]
    assert (found, policy.asked) == (["EPERM"] * 5, [])


def test_a_path_below_an_open_directory_has_the_names_that_led_there(base: Path) -> None:
    policy = _Noting()
    directory = at_once(_guest(base, policy).open("ld", True, NONE, READ))
    at_once(directory.stat_at("x", False))
    at_once(directory.entries()).close()
    directory.close()
    assert policy.asked == ["read /dir", "read /dir/x", "read /dir"]


def test_the_times_of_a_file_that_is_open_to_read_are_asked_about(base: Path) -> None:
    policy = _Noting("write /f")
    guest = _guest(base, policy)
    reading = at_once(guest.open("f", False, NONE, READ))
    assert code_of(reading.set_times, When.NOW, When.NOW) == "EACCES"
    assert at_once(reading.read(100, 0)) == b"content"
    reading.close()


def test_a_directory_that_is_moved_takes_along_what_is_refused_only_if_it_stays_refused(base: Path) -> None:
    guest = descriptor(base, policy=Rules(files=["deny /dir/x", "deny **/.git/**"]))
    assert code_of(guest.rename, "dir", guest, "other") == "EACCES"
    (base / "project" / ".git").mkdir(parents=True)
    assert code_of(guest.rename, "project", guest, "other") == "ok"
    assert code_of(guest.stat_at, "other/.git", False) == "EACCES"


def test_several_trees_are_named_as_the_guest_names_them(base: Path) -> None:
    decisions: list[Decision] = []
    asker = Asker(Rules(files=["read a/**", "deny **"]), on_decision=decisions.append)
    files = {name: Directory(base / "dir") for name in ("./a", ".", "/b/")}
    for guest, _ in preopened(Mounts(files, b"key", asker)):
        code_of(guest.stat_at, "x", False)
    assert [each.path for each in decisions] == ["a/x", "x", "/b/x"]
    assert str(decisions[1]) == "refused read of x: deny ** refuses it"


def test_a_refusal_names_the_option_that_would_allow_it(base: Path) -> None:
    decisions: list[Decision] = []
    asker = Asker(Rules(files=["read /none"]), on_decision=decisions.append)
    ((guest, _),) = preopened(Mounts({"/": Directory(base)}, b"key", asker))
    code_of(guest.open, "d*r\n", False, CREATE, WRITE)
    assert str(decisions[0]) == "refused write of /d*r\\n: no rule allows it (--allow-files 'write /d?r?')"
    assert Rules(files=["write /d?r?"]).may_use_file is not None


# ---- policies that take time


class _Slow(_Noting):
    async def may_use_file(self, path: str, use: FileUse, context: PolicyContext) -> bool:
        return _Noting.__call__(self, path, use, context)

    def __call__(self, *_: object) -> bool:
        return False


def _slow(base: Path, *refused: str) -> tuple[Descriptor, _Slow]:
    policy = _Slow(*refused)
    return descriptor(base, policy=policy), policy


async def test_a_policy_may_take_time(base: Path) -> None:
    guest, policy = _slow(base, "read /dir/x")
    before = open_files()
    opened = await settled(guest.open("f", False, NONE, READ | WRITE))
    assert isinstance(opened, Descriptor)
    opened.close()
    with pytest.raises(PermissionError):
        await settled(guest.stat_at("ld/x", False))
    assert policy.asked == ["read /f", "write /f", "read /dir/x"]
    assert open_files() <= before


async def test_an_answer_that_is_not_waited_for_leaves_nothing_open(base: Path) -> None:
    guest, policy = _slow(base)
    before = open_files()
    answer = guest.open("dir/x", False, NONE, READ)
    assert isinstance(answer, Later)
    assert len(open_files()) == len(before) + 1  # the directory
    answer.close()
    assert (open_files() - before, policy.asked) == (set(), [])


async def test_what_a_policy_raises_is_no_error_of_the_guest(base: Path) -> None:
    def failing(path: str, use: FileUse, context: PolicyContext) -> bool:
        raise FileNotFoundError("the list of tenants")

    guest = descriptor(base, policy=Rules(files=failing))
    with pytest.raises(RuntimeError, match="the policy raised FileNotFoundError"):
        guest.stat_at("f", False)


async def test_a_guest_changes_nothing_while_a_file_that_it_renames_is_looked_at() -> None:
    clock = VirtualClock()
    tree = MemoryFiles({"/f": b"", "/d/secret": b""})
    files = FaultyFiles(tree, FaultPlan(Fault("file-stat", "stall", seconds=60, path="/f")), clock)
    asker = Asker(Rules(files=["/*"]))  # so that no directory may be moved
    ((guest, _),) = preopened(Mounts({"/": files}, b"key", asker))
    renaming = asyncio.ensure_future(_waited(guest.rename("f", guest, "g")))
    await until(lambda: clock.next_ns is not None)
    swaps = [asyncio.ensure_future(_waited(call)) for call in (guest.remove_file("f"), guest.create_directory("f"))]
    await passes(10)
    assert not any(swap.done() for swap in swaps)
    await advance_until(clock, renaming)
    await asyncio.wait(swaps)
    assert (sorted(tree), renaming.exception()) == (["/d/secret", "/g"], None)
    assert [type(swap.exception()) for swap in swaps] == [FileNotFoundError, type(None)]


async def _waited(answer: Answer[None]) -> None:
    await settled(answer)


def test_nothing_stays_open(base: Path) -> None:
    os.makedirs(base / "a/b/c")
    guest = descriptor(base, policy=Rules(files=["read /**", "deny /a/b/c/**"]))
    before = open_files()
    for path in ("a/b/c/x", "a/b/c/../../../f", "a/b/nope/x", "loop1/x", "a/b/../../.."):
        code_of(guest.stat_at, path, True)
        code_of(guest.open, path, True, CREATE, WRITE)
        code_of(guest.rename, path, guest, "a/b/x")
    assert open_files() <= before
