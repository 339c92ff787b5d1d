"""The content of a `MemoryFiles` at some time, and the changes since."""

from __future__ import annotations

from wasihost._base.frozen import Frozen


class Saved(Frozen):
    """An inode in a snapshot: the bytes of a file, the text of a symbolic link, None for a directory."""

    number: int
    content: bytes | str | None
    times: tuple[int, int]


class Snapshot(Frozen):
    """All paths of a `MemoryFiles`, sorted, with their content."""

    entries: dict[str, Saved]

    def changes_to(self, later: Snapshot) -> Changes:
        """The paths that a later one has added, changed and removed."""
        before = self._contents()
        after = later._contents()
        return Changes(
            tuple(path for path in after if path not in before),
            tuple(path for path in after if path in before and after[path] != before[path]),
            tuple(path for path in before if path not in after),
        )

    def _contents(self) -> dict[str, bytes | str | None]:
        return {
            path if saved.content is not None else f"{path}/": saved.content for path, saved in self.entries.items()
        }


class Changes(Frozen):
    """Paths that were added, changed in content, and removed; those of directories end with `/`.

    Printed, it has a line for each: `+ /added`, `~ /changed`, `- /removed`. It is false if there are none.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def __str__(self) -> str:
        marked = (("+", self.added), ("~", self.changed), ("-", self.removed))
        return "\n".join(f"{mark} {path}" for mark, paths in marked for path in paths)
