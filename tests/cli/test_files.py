"""`wasihost run --dir`: the guest has these directories and no others, and may do in them what the option says."""

from __future__ import annotations

import shlex
import zipfile
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


def _printed(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("wasihost: ")]


def test_a_file_that_the_policy_refuses_is_told_in_one_line_with_the_option_that_would_allow_it(
    cli: Cli, data: Path
) -> None:
    words = ("--dir", "data::/data::ro", "--env", "CASE=read-only", FILES)
    done = cli("run", "--allow-files", "read /data/dir", *words)
    assert (done.code, done.err.splitlines()[0]) == (
        1,
        "wasihost: refused read of /data/x.txt: no rule allows it (--allow-files 'read /data/x.txt')",
    )
    done = cli("run", "--allow-net", "--deny-files", "**/x.*", *words)
    assert (done.code, _printed(done.err)) == (1, ["wasihost: refused read of /data/x.txt: deny **/x.* refuses it"])


def test_the_files_that_a_run_needs_are_learned_and_are_enough(cli: Cli, data: Path) -> None:
    words = ("--dir", "data::/data::ro", "--env", "CASE=read-only", FILES)
    head, flags = cli("run", "--learn-policy", *words).err.splitlines()[-2:]
    assert head == "wasihost: this run needed these rules:"
    options = shlex.split(flags)
    assert options == [word for name in ("", "/dir", "/x.txt") for word in ("--allow-files", f"read /data{name}")]
    assert cli("run", *options, *words).code == 0


def test_a_guest_that_fails_for_want_of_a_directory_is_told_the_option(cli: Cli) -> None:
    done = cli("run", "--env", "CASE=read-only", C_FILES)
    assert (done.code, _printed(done.err)) == (
        1,
        ["wasihost: the guest asked for directories, and has none (--dir HOST::GUEST)"],
    )


def test_a_limit_of_files_is_told_once(cli: Cli, data: Path) -> None:
    done = cli("run", "--dir", "data::/data", "--limit", "file-bytes-stored=3", "--env", "CASE=write", FILES)
    assert (done.code, done.err.splitlines()) == (
        1,
        [
            "limit file_bytes_stored=3 reached: growth by 7 bytes",
            "case write: files/src/tree.rs:62: unexpected error-code: quota",
        ],
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


def test_changes_in_an_overlay_end_with_the_run(cli: Cli, data: Path) -> None:
    done = cli("run", "--dir", "data::/data::overlay", "--env", "CASE=write", FILES)
    assert (done.code, done.out) == (0, "ok write\n")
    assert sorted(path.relative_to(data).as_posix() for path in data.rglob("*")) == ["dir", "x.txt"]


def test_memory_and_archives_are_given_beside_directories(cli: Cli, data: Path) -> None:
    with zipfile.ZipFile(cli.folder / "x.zip", "w") as archive:
        archive.writestr("x.txt", "hello")
        archive.writestr("dir/", "")
    done = cli("run", "--tmpfs", "/data", "--dir", "data::/other", "--env", "CASE=write", P2_FILES)
    assert (done.code, done.out) == (0, "ok write\n")
    done = cli("run", "--zip", "x.zip::/data", "--env", "CASE=read-only", FS)
    assert (done.code, done.out) == (0, "ok read-only\n")


def test_what_is_none_of_these_is_named(cli: Cli, data: Path) -> None:
    said = [cli("run", *words, FILES).err for words in (("--zip", "x.zip"), ("--dir", "a::b::c"), ("--tmpfs", ""))]
    assert "argument --zip: 'x.zip' is not FILE::GUEST" in said[0]
    assert "argument --dir: 'a::b::c' is not HOST, HOST::GUEST or HOST::GUEST::HOW" in said[1]
    assert "argument --tmpfs: the guest's name for it is empty" in said[2]
    done = cli("run", "--dir", "data::/x", "--tmpfs", "/x", FILES)
    assert "two of them have the name '/x' for the guest" in done.err
