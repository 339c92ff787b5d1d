"""Plays the files of a recording back to a guest, with no files behind it: `Host(files=ReplayFiles(recording))`.

Theory of operation. The answers to each file or directory that was open are kept by question: the method and its
arguments, and of reading and writing the offset. A question is answered by the first answer to it that is left, in
whatever order the guest asks for different things, since a guest may be scheduled otherwise. Bytes are one stream, in
whatever blocks they are read or written. The answers are those that the guest got: no policy and no quotas are asked.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, TypeAlias

from wasihost._base.errors import DivergenceError, RecordingError
from wasihost._host import file_words
from wasihost._recording import Recording, events
from wasihost._recording.replay.divergence import differing_bytes, line
from wasihost._recording.replay.playback import Step
from wasihost._recording.transcript import error_from_name
from wasihost._wasi.filesystem.flags import Advice, DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.handles import Handles
from wasihost._wasi.filesystem.metadata import Identity, NewTime, Stat
from wasihost._wasi.filesystem.nodes import DirectoryNode, Entries, FileNode, FileSystem, Node
from wasihost._wasi.filesystem.virtual.nodes import VirtualEntries

Key: TypeAlias = tuple[int, str, file_words.Words]
"""A file or directory by its number, the method, and its arguments."""
_LOOKING: Final = frozenset({"open", "read", "advise", "stat", "stat_at", "identity_at", "readlink", "entries"})
"""Methods that change nothing: a guest may do them or leave them out."""


class ReplayFiles(Mapping[str, FileSystem]):
    """The directories of one guest of a recording, by the guest's names for them, for one run.

    `guest`: which of several, by number. Errors: RecordingError, if several guests with files were recorded and none is
    chosen.
    """

    def __init__(self, recording: Recording, *, guest: int | None = None) -> None:
        playback = _Playback(recording.of_guest(_only_guest(recording.events) if guest is None else guest))
        self._trees = {event.name: _ReplayedTree(event, playback) for event in playback.given}

    def __getitem__(self, name: str) -> FileSystem:
        return self._trees[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._trees)

    def __len__(self) -> int:
        return len(self._trees)


class _Playback:
    """The rest of the recording."""

    def __init__(self, recorded: Sequence[tuple[int, events.Event]]) -> None:
        self.given: deque[events.DirectoryGiven] = deque()
        self.error: DivergenceError | None = None
        self._left: dict[Key, deque[Step]] = defaultdict(deque)
        for index, event in recorded:
            if isinstance(event, events.DirectoryGiven):
                self.given.append(event)
            elif isinstance(event, events.FileEvent) and not isinstance(event, events.FileClosed):
                self._left[_key(event)].append(Step(index, event))

    def call(self, file: int, name: str, *args: object) -> file_words.Words:
        """The answer to a call. Errors: OSError, if that is the answer; DivergenceError, if it was not recorded."""
        key = (file, name, file_words.arguments(args))
        event = self._next(key).event
        self._left[key].popleft()
        assert isinstance(event, events.FileCalled)
        if event.error is not None:
            raise error_from_name(event.error)
        return event.answers

    def read(self, file: int, size: int, offset: int) -> bytes:
        """The bytes that were read there, as far as there is room for them."""
        key = (file, "read", (str(offset),))
        step = self._next(key)
        if not isinstance(step.event, events.FileRead):
            self.call(file, key[1], *key[2])
            return b""
        found = step.event.data[step.done :][:size]
        self._moved(key, step, step.event.data, offset, len(found))
        return found

    def write(self, file: int, content: bytes, offset: int | None) -> int:
        """How many bytes were written there, which must be these."""
        key = (file, "append", ()) if offset is None else (file, "write", (str(offset),))
        step = self._next(key)
        if not isinstance(step.event, events.FileWritten):
            self.call(file, key[1], *key[2])
            return 0
        recorded = step.event.data[step.done :]
        size = min(len(content), len(recorded))
        if content[:size] != recorded[:size]:
            words = differing_bytes(content[:size], recorded[:size], step.done if offset is None else offset)
            raise self.diverge(f"file {file}: the guest writes {words}\n  {line(step.index)} of the recording")
        self._moved(key, step, step.event.data, offset, size)
        return size

    def _moved(self, key: Key, step: Step, data: bytes, offset: int | None, count: int) -> None:
        """So many bytes of a step have happened; the rest is at another offset."""
        self._left[key].popleft()
        step.done += count
        if step.done < len(data):
            rest = key if offset is None else (key[0], key[1], (str(offset + count),))
            self._left[rest].appendleft(step)

    def _next(self, key: Key) -> Step:
        if self.error is not None:
            raise self.error
        steps = self._left.get(key)
        if not steps:
            file, call, words = key
            raise self.diverge(f"file {file}: the guest calls {call}({', '.join(words)}), which was not recorded")
        return steps[0]

    def diverge(self, text: str) -> DivergenceError:
        """The first divergence, from then on."""
        self.error = self.error or DivergenceError(text)
        return self.error

    def finish(self) -> None:
        """The guest has ended. Errors: DivergenceError, also if it left out a change."""
        if self.error is not None:
            raise self.error
        left = (steps[0] for (_, call, _), steps in self._left.items() if steps and call not in _LOOKING)
        missing = min(left, key=attrgetter("index"), default=None)
        if missing is not None:
            raise self.diverge(f"the guest has ended, but recorded is next: {missing}")


def _key(event: events.FileEvent) -> Key:
    match event:
        case events.FileRead(file=file, offset=offset):
            return file, "read", (str(offset),)
        case events.FileWritten(file=file, offset=None):
            return file, "append", ()
        case events.FileWritten(file=file, offset=offset):
            return file, "write", (str(offset),)
        case events.FileCalled(file=file, call=call, arguments=words):
            return file, call, words
    raise TypeError(event)


class _ReplayedTree(FileSystem):
    is_recorded = True

    def __init__(self, given: events.DirectoryGiven, playback: _Playback) -> None:
        self.read_only = given.read_only
        self._name = given.name
        self._playback = playback

    def open_root(self, handles: Handles) -> DirectoryNode:
        given = self._playback.given
        if not given or given[0].name != self._name:
            raise self._playback.diverge("the guest asks for its directories, which was not recorded")
        event = given.popleft()
        return _ReplayedDirectory(event.file, event.identity, self._playback)

    def finish(self) -> None:
        self._playback.finish()


class _ReplayedNode(Node):
    def __init__(self, number: int, identity: str, playback: _Playback) -> None:
        self.identity = file_words.to_identity(identity)
        self._number = number
        self._playback = playback

    def _call(self, name: str, *args: object) -> Any:
        answers = self._playback.call(self._number, name, *args)
        return file_words.FROM_WORDS[name](answers) if name in file_words.FROM_WORDS else None

    def _close(self) -> None:
        """Nothing is open."""

    def stat(self) -> Stat:
        found: Stat = self._call("stat")
        return found

    def set_times(self, accessed: NewTime, modified: NewTime) -> None:
        self._call("set_times", accessed, modified)

    def sync(self, with_metadata: bool) -> None:
        self._call("sync", with_metadata)


class _ReplayedFile(_ReplayedNode, FileNode):
    def read(self, size: int, offset: int) -> bytes:
        return self._playback.read(self._number, size, offset)

    def read_into(self, view: memoryview, offset: int) -> int:
        found = self.read(len(view), offset)
        view[: len(found)] = found
        return len(found)

    def write(self, view: memoryview, offset: int) -> int:
        return self._playback.write(self._number, bytes(view), offset)

    def append(self, view: memoryview) -> int:
        return self._playback.write(self._number, bytes(view), None)

    def set_size(self, size: int) -> None:
        self._call("set_size", size)

    def advise(self, offset: int, length: int, advice: Advice) -> None:
        self._call("advise", offset, length, advice)


class _ReplayedDirectory(_ReplayedNode, DirectoryNode):
    def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Node:
        kind, number, identity = self._playback.call(self._number, "open", path, follow, how, use)
        cls = _ReplayedDirectory if kind == "directory" else _ReplayedFile
        return cls(int(number), identity, self._playback)

    def entries(self) -> Entries:
        return VirtualEntries(self._call("entries"))

    def stat_at(self, path: str, follow: bool) -> Stat:
        found: Stat = self._call("stat_at", path, follow)
        return found

    def identity_at(self, path: str, follow: bool) -> Identity:
        found: Identity = self._call("identity_at", path, follow)
        return found

    def set_times_at(self, path: str, follow: bool, accessed: NewTime, modified: NewTime) -> None:
        self._call("set_times_at", path, follow, accessed, modified)

    def create_directory(self, path: str) -> None:
        self._call("create_directory", path)

    def remove_directory(self, path: str) -> None:
        self._call("remove_directory", path)

    def remove_file(self, path: str) -> None:
        self._call("remove_file", path)

    def rename(self, path: str, new_directory: DirectoryNode, new_path: str) -> None:
        self._call("rename", path, _number(new_directory), new_path)

    def link(self, path: str, new_directory: DirectoryNode, new_path: str) -> None:
        self._call("link", path, _number(new_directory), new_path)

    def symlink(self, text: str, path: str) -> None:
        self._call("symlink", text, path)

    def readlink(self, path: str) -> bytes:
        found: bytes = self._call("readlink", path)
        return found


def _number(directory: DirectoryNode) -> int:
    return directory._number if isinstance(directory, _ReplayedDirectory) else 0


def _only_guest(recorded: Sequence[events.Event]) -> int:
    """The guest that had files; 0 if none had. Errors: RecordingError, if several had."""
    guests = sorted({event.guest for event in recorded if isinstance(event, events.DirectoryGiven)})
    if len(guests) > 1:
        found = ", ".join(map(str, guests))
        raise RecordingError(f"several guests with files were recorded, {found}: say which with guest=")
    return next(iter(guests), 0)
