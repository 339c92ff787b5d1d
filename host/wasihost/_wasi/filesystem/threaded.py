"""A tree whose operations are done in threads, for file systems that may be slow: `Directory("/mnt", threads=True)`.

Theory of operation. Each operation is a job of the guest's threads, and its answer a `Later`. A guest may be cancelled
while a thread is in a system call, which nothing can interrupt. So a node stays open until the last job that uses it
has ended, and a file that a job opened in vain is closed in its thread.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, Generic, ParamSpec, TypeVar, TypeVarTuple

from wasihost._base.threads import Threads
from wasihost._network.base import os_error
from wasihost._wasi.filesystem.answers import Answer, Later, answer_of, at_once_or_later, settled
from wasihost._wasi.filesystem.flags import DescriptorFlags, OpenFlags
from wasihost._wasi.filesystem.nodes import DirectoryNode, Entries, Entry, FileNode, Node
from wasihost._wasi.filesystem.virtual.nodes import VirtualEntries
from wasihost._wasi.filesystem.wrapping import DirectoryAround, FileAround, What

N = TypeVar("N", bound=Node)
P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Used(Generic[N]):
    """A node, closed when neither a guest nor a job uses it; jobs end in their threads."""

    def __init__(self, node: N, threads: Threads) -> None:
        self.threads = threads
        self._node = node
        self._users = 1
        self._lock = threading.Lock()

    def use(self) -> None:
        with self._lock:
            self._users += 1

    def release(self, _job: object = None) -> None:
        with self._lock:
            self._users -= 1
            is_last = not self._users
        if is_last:
            self._node.close()

    async def run(self, call: Callable[[*Ts], Answer[T]], *args: *Ts, also: _Used[Any] | None = None) -> T:
        """The result of a call, made in a thread; it uses the node of `also`, too. Errors: its own, NoThreadError."""

        def work() -> T:
            return _at_once(call(*args))

        job = _Job(self.threads, [self] if also is None else [self, also])
        try:
            return await asyncio.get_running_loop().run_in_executor(job, work)
        except asyncio.CancelledError:
            job.future.add_done_callback(_close_unused)
            raise


class _Job(Executor):
    """One job for the threads of a guest, which uses some nodes until it has ended."""

    future: Future[Any]

    def __init__(self, threads: Threads, users: Sequence[_Used[Any]]) -> None:
        self._threads = threads
        self._users = users

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """A future for the event loop. Errors: NoThreadError."""
        for user in self._users:
            user.use()
        try:
            future = self._threads.submit(call, *args, **kwargs)
        except BaseException:
            for user in self._users:
                user.release()
            raise
        for user in self._users:
            future.add_done_callback(user.release)
        self.future = future
        return future


def _at_once(answer: Answer[T]) -> T:
    """The answer of a node that never gives a `Later`."""
    assert not isinstance(answer, Later)
    return answer


def _close_unused(job: Future[Any]) -> None:
    if not job.cancelled() and job.exception() is None:
        opened = job.result()
        if isinstance(opened, Node):
            opened.close()


class ThreadedFile(FileAround):
    """A file."""

    def __init__(self, inner: FileNode, threads: Threads) -> None:
        super().__init__(inner)
        self._used = _Used(inner, threads)

    def _close(self) -> None:
        self._used.release()

    def _do(self, what: What, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> Answer[T]:
        return answer_of(self._used.run(call, *args))

    def read(self, size: int, offset: int) -> Answer[bytes]:
        return answer_of(self._used.run(self.inner.read, size, offset))

    def read_into(self, view: memoryview, offset: int) -> int | Later[bytes]:
        found = self.read(len(view), offset)
        assert isinstance(found, Later)
        return found

    def write(self, view: memoryview, offset: int) -> Answer[int]:
        return answer_of(self._used.run(self.inner.write, memoryview(bytes(view)), offset))

    def append(self, view: memoryview) -> Answer[int]:
        return answer_of(self._used.run(self.inner.append, memoryview(bytes(view))))


class ThreadedDirectory(DirectoryAround):
    """A directory; files that it opens use the same threads."""

    def __init__(self, inner: DirectoryNode, threads: Threads) -> None:
        super().__init__(inner)
        self._used = _Used(inner, threads)

    def _close(self) -> None:
        self._used.release()

    def _do(self, what: What, path: str, call: Callable[[*Ts], Answer[T]], *args: *Ts) -> Answer[T]:
        return answer_of(self._used.run(call, *args))

    @at_once_or_later
    async def entries(self) -> Entries:
        """All of them, read in the thread."""
        found = await settled(self._do("list", ".", _listed, self.inner))
        return VirtualEntries(found)

    def rename(self, path: str, new_directory: DirectoryNode, new_path: str) -> Answer[None]:
        other = _threaded(new_directory)
        return answer_of(self._used.run(self.inner.rename, path, other.inner, new_path, also=other._used))

    def link(self, path: str, new_directory: DirectoryNode, new_path: str) -> Answer[None]:
        other = _threaded(new_directory)
        return answer_of(self._used.run(self.inner.link, path, other.inner, new_path, also=other._used))

    @at_once_or_later
    async def open(self, path: str, follow: bool, how: OpenFlags, use: DescriptorFlags) -> Node:
        opened = await settled(super().open(path, follow, how, use))
        if isinstance(opened, DirectoryNode):
            return ThreadedDirectory(opened, self._used.threads)
        return ThreadedFile(opened, self._used.threads) if isinstance(opened, FileNode) else opened


def _listed(directory: DirectoryNode) -> list[Entry]:
    entries = _at_once(directory.entries())
    try:
        return list(entries)
    finally:
        entries.close()


def _threaded(directory: DirectoryNode) -> ThreadedDirectory:
    """A directory that threads may use: another would not be kept open for them."""
    if not isinstance(directory, ThreadedDirectory):
        raise os_error(errno.EXDEV)
    return directory
