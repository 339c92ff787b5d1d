"""The command line's cache of compiled components."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli import commands
from tests.cli.conftest import Cli
from wasihost._commands import topics

Write = Callable[..., str]
COMMANDS = pytest.mark.parametrize("command", ["run", "inspect"])


@pytest.fixture
def guest(write: Write) -> str:
    return write(commands.OK)


@pytest.fixture
def directory(cli: Cli) -> Path:
    """That of a cache of the test's own."""
    cli.caches = cli.folder / "cache"
    return cli.caches / "wasihost"


def kept(directory: Path) -> dict[str, int]:
    """The files, and the inode of each: another one was written anew."""
    return {path.name: path.stat().st_ino for path in directory.iterdir()}


@pytest.mark.slow
@COMMANDS
def test_a_component_is_kept_and_not_compiled_again(cli: Cli, guest: str, directory: Path, command: str) -> None:
    first = cli(command, guest)
    before = kept(directory)
    assert cli(command, guest) == first
    assert kept(directory) == before
    assert len(before) == 1


@COMMANDS
def test_no_cache_keeps_nothing(cli: Cli, guest: str, directory: Path, command: str) -> None:
    assert cli(command, "--no-cache", guest).code == 0
    assert not directory.exists()


@pytest.mark.slow
def test_no_cache_takes_nothing(cli: Cli, guest: str, directory: Path) -> None:
    cli("run", guest)
    (path,) = directory.iterdir()
    path.write_bytes(b"damaged")
    done = cli("run", "--no-cache", guest)
    assert (done.code, done.err) == (0, "")


@pytest.mark.slow
def test_a_damaged_file_is_told_and_replaced(cli: Cli, guest: str, directory: Path) -> None:
    cli("run", guest)
    (path,) = directory.iterdir()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    done = cli("run", guest)
    assert done.code == 0
    assert done.err == f"the cache of compiled components is not used: {path.name} is damaged\n"
    assert path.read_bytes() == data


def test_a_directory_that_others_can_write_to_is_told_and_not_used(cli: Cli, guest: str, directory: Path) -> None:
    directory.mkdir(parents=True)
    directory.chmod(0o777)
    done = cli("run", guest)
    assert done.code == 0
    assert done.err.startswith("the cache of compiled components is not used: others can write to ")
    assert done.err.count("\n") == 1
    assert kept(directory) == {}


def test_a_directory_that_cannot_be_made_is_no_trouble(cli: Cli, guest: str, directory: Path) -> None:
    directory.parent.touch()
    done = cli("run", guest)
    assert (done.code, done.err) == (0, "")


def test_help_says_where_it_is_and_how_to_clear_it() -> None:
    text = topics.text_of("cache")
    assert "--no-cache" in text
    assert "~/.cache/wasihost" in text
    assert "Delete the directory to clear it" in text
