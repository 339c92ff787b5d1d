"""The options of `wasihost run` for files: directories, memory, archives."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from wasihost._base.errors import ConfigError
from wasihost._commands.parsing import Parser

if TYPE_CHECKING:  # only needed if a guest is given files
    from wasihost._wasi.filesystem.nodes import FileSystem

Given: TypeAlias = "tuple[str, Callable[[], FileSystem]]"
"""The guest's name for files, and a function that makes them."""


def add_to(parser: Parser) -> None:
    """Gives the parser the options; the guest has its directories in their order."""
    parser.set_defaults(files=[])
    group = parser.group("files")
    group.add_argument(
        "--dir",
        action="append",
        dest="files",
        type=_directory,
        metavar="HOST[::GUEST[::HOW]]",
        help="give the guest this directory with all that is in it, as GUEST or under the same name; HOW is ro: it can "
        "change nothing there, overlay: its changes are kept in memory for this run, threads: a slow file system holds "
        "up nothing else, or two of them as in ro,threads; may be repeated",
    )
    group.add_argument(
        "--tmpfs",
        action="append",
        dest="files",
        type=_memory,
        metavar="GUEST",
        help="give the guest an empty directory in memory; may be repeated",
    )
    group.add_argument(
        "--zip",
        action="append",
        dest="files",
        type=_archive,
        metavar="FILE::GUEST",
        help="give the guest the files of this zip archive, read-only; may be repeated",
    )


def _directory(text: str) -> Given:
    host, *rest = text.split("::")
    guest = rest[0] if rest else host
    how = set(rest[1].split(",")) if len(rest) == 2 else set[str]()
    if not host or not guest or len(rest) > 2 or how - {"ro", "overlay", "threads"} or how >= {"ro", "overlay"}:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not HOST, HOST::GUEST or HOST::GUEST::HOW, where HOW is ro, overlay, threads, or two of them "
            "as in ro,threads"
        )

    def make() -> FileSystem:
        from wasihost._wasi.filesystem.directory import Directory

        directory = Directory(host, read_only=bool(how & {"ro", "overlay"}), threads="threads" in how)
        if "overlay" not in how:
            return directory
        from wasihost._wasi.filesystem.virtual.memory import MemoryFiles
        from wasihost._wasi.filesystem.virtual.overlay import Overlay

        return Overlay(lower=directory, upper=MemoryFiles())

    return guest, make


def _memory(text: str) -> Given:
    if not text:
        raise argparse.ArgumentTypeError("the guest's name for it is empty")

    def make() -> FileSystem:
        from wasihost._wasi.filesystem.virtual.memory import MemoryFiles

        return MemoryFiles()

    return text, make


def _archive(text: str) -> Given:
    file, _, guest = text.rpartition("::")
    if not file or not guest:
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE::GUEST")

    def make() -> FileSystem:
        from wasihost._wasi.filesystem.virtual.zip_files import ZipFiles

        return ZipFiles(file)

    return guest, make


def file_systems(arguments: argparse.Namespace) -> dict[str, FileSystem]:
    """The trees of the guest, by its names for them. Errors: ConfigError."""
    found: dict[str, FileSystem] = {}
    for guest, make in arguments.files:
        if guest in found:
            raise ConfigError(f"--dir, --tmpfs, --zip: two of them have the name {guest!r} for the guest")
        found[guest] = make()
    return found
