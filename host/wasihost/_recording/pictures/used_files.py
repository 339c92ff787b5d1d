"""The use of each path by guests, gathered from the events of files."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from wasihost._base.quoting import printable
from wasihost._recording import events


class UsedFile:
    """The use of one path by one guest."""

    def __init__(self, guest: int, path: str) -> None:
        self.guest = guest
        self.path = printable(path)
        self.opened = 0
        self.calls = 0
        self.read = 0
        self.written = 0
        self.errors: list[str] = []


def used_files(recorded: Sequence[events.Event]) -> list[UsedFile]:
    """All paths that were given or opened, in the order of their first use."""
    found: dict[tuple[int, str], UsedFile] = {}
    paths: dict[int, str] = {}  # of open files, by their numbers

    def use(event: events.FileEvent, path: str) -> UsedFile:
        return found.setdefault((event.guest, path), UsedFile(event.guest, path))

    for event in recorded:
        match event:
            case events.DirectoryGiven(file=file, name=name):
                paths[file] = name
                use(event, name)
            case events.FileRead(file=file, data=data):
                use(event, paths.get(file, "")).read += len(data)
            case events.FileWritten(file=file, data=data):
                use(event, paths.get(file, "")).written += len(data)
            case events.FileCalled(file=file, call=call, arguments=arguments, answers=answers, error=error):
                path = paths.get(file, "")
                if call == "open":
                    path = posixpath.normpath(posixpath.join(path, arguments[0]))
                    if error is None:
                        paths[int(answers[1])] = path
                        use(event, path).opened += 1
                use(event, path).calls += 1
                if error is not None:
                    use(event, path).errors.append(printable(f"{call}: {error}"))
    return list(found.values())
