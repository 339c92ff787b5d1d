"""`wasihost run --dir`: the guest has these directories and no others, and may do in them what the option says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import PREBUILT, Cli

FILES, P2_FILES, FS, C_FILES = (
    PREBUILT / f"{name}.wasm" for name in ("rust-files", "rust-p2-files", "rust-p2-fs", "c-p2-files")
)
guests = pytest.mark.parametrize("guest", [FILES, P2_FILES, FS, C_FILES], ids=lambda path: path.stem)


@pytest.fixture
def data(cli: Cli) -> Path:
    """A directory `data` where the command runs, with what the guests' case `read-only` expects."""
    data = cli.folder / "data"
    (data / "dir").mkdir(parents=True)
    (data / "x.txt").write_text("hello", encoding="utf-8")
    return data


@guests
def test_no_directory_is_given_by_default(cli: Cli, data: Path, guest: Path) -> None:
    done = cli("run", "--env", "CASE=no-mounts", guest)
    assert (done.code, done.out) == (0, "ok no-mounts\n")


@guests
def test_ro_means_that_the_guest_changes_nothing(cli: Cli, data: Path, guest: Path) -> None:
    done = cli("run", "--dir", "data::/data::ro", "--env", "CASE=read-only", guest)
    assert (done.code, done.out) == (0, "ok read-only\n")
    assert sorted(path.relative_to(data).as_posix() for path in data.rglob("*")) == ["dir", "x.txt"]


def test_a_refused_change_is_told_in_one_line_with_the_option_that_would_allow_it(cli: Cli, data: Path) -> None:
    done = cli("run", "--dir", "data::/data::ro", "--env", "CASE=read-only", C_FILES)
    assert done.err == (
        "wasihost: refused to change 'x.txt' in '/data': it is read-only (--dir HOST::/data, without ::ro)\n"
    )


def test_a_path_that_leads_out_is_told_in_one_line(cli: Cli, data: Path) -> None:
    done = cli("run", "--dir", "data::/data", "--env", "CASE=at", C_FILES)
    assert (done.code, done.out) == (0, "ok at\n")
    assert done.err == (
        "wasihost: refused to follow '../at/file' in '/data': it leads out (--dir for a directory that contains both)\n"
    )


def test_several_directories_have_their_names_order_and_rights(cli: Cli, data: Path) -> None:
    for name in ("one", "two"):
        (cli.folder / name).mkdir()
    words = ["--dir", "one::/data", "--dir", "two::/cache", "--dir", "data::/src::ro"]
    done = cli("run", *words, "--env", "CASE=several-mounts", FILES)
    assert (done.code, done.out) == (0, "ok several-mounts\n")
    assert (cli.folder / "two/g").read_text(encoding="utf-8") == "data"


def test_a_directory_without_a_name_has_that_of_the_host(cli: Cli, data: Path) -> None:
    done = cli("run", "--dir", "data", "--env", "CASE=preopens", FILES)
    assert (done.code, done.err) == (1, 'case preopens: files/src/mounts.rs:19: got ["data"], expected ["/data"]\n')
