"""The resource `descriptor` of `wasi:filesystem/types`, on the core.

Any method may give, besides its own list, the error-code of an error of the operating system. A method of directories
gives `not-directory` for a file first of all, and one that changes something `not-permitted` in a read-only mount. A
path gives:

- `no-entry`: it is empty, or nothing is there.
- `not-permitted`: it begins with `/`, or a step of it, `..` or a symbolic link, leads out of the descriptor.
- `invalid`: there is a NUL in it.
- `not-directory`, `loop`, `name-too-long`, `access`: as path_resolution(7) has them.
"""

from __future__ import annotations

from functools import partial

from wasihost._base.streams import ByteSource, GuestStream, ValueSource
from wasihost._component.values import Err, WitError
from wasihost._wasi.common.files import MetadataHashValue
from wasihost._wasi.filesystem import descriptor
from wasihost._wasi.filesystem.answers import Answer, then
from wasihost._wasi.filesystem.flags import FOLLOW, Advice, DescriptorFlags, OpenFlags, PathFlags
from wasihost._wasi.filesystem.metadata import Stat
from wasihost._wasi.p3.filesystem.errors import ask, attempt, error_code
from wasihost._wasi.p3.filesystem.records import (
    AnyNewTimestamp,
    DescriptorStat,
    DirectoryEntry,
    TypeCase,
    to_entries,
    to_new_time,
    to_stat,
    to_type,
)
from wasihost._wasi.p3.streams import EndedSource, EndedValues, ResultFuture, new_future, settle


class Descriptor:
    """WIT: `resource descriptor`."""

    __slots__ = ("_descriptor",)

    def __init__(self, opened: descriptor.Descriptor) -> None:
        self._descriptor = opened

    def read_via_stream(self, offset: int) -> tuple[ByteSource, ResultFuture]:
        """WIT: `read-via-stream: func(offset: filesize) -> tuple<stream<u8>, future<result<_, error-code>>>`.

        The future is ok at the end of the file, or when the guest drops the stream. Errors are in the future.
        - `is-directory`: it is one; the stream is at its end.
        - `bad-descriptor`: it was not opened to read, which the first read says.
        - `invalid`: the offset is 2^63 or more.
        """
        future = new_future()
        try:
            return attempt(self._descriptor.source, offset, partial(settle, future, error_code)), future
        except WitError as error:
            future.set_result(Err(error.value))
            return EndedSource(), future

    def write_via_stream(self, data: GuestStream[int], offset: int) -> ResultFuture:
        """WIT: `write-via-stream: func(data: stream<u8>, offset: filesize) -> future<result<_, error-code>>`.

        The future is ok when the guest has dropped its end and everything is written, if not yet on the disk. Errors
        are in the future; those of the first two lines close `data` at once.
        - `bad-descriptor`: it is a directory; or it was not opened to write, which the first write says.
        - `not-permitted`: the mount is read-only.
        - `invalid`: the offset is 2^63 or more.
        - `insufficient-space`, `quota`, `file-too-large`: there is no room.
        """
        return self._written(data, offset)

    def append_via_stream(self, data: GuestStream[int]) -> ResultFuture:
        """WIT: `append-via-stream: func(data: stream<u8>) -> future<result<_, error-code>>`.

        Each part goes where the file ends then, whoever else appends. Errors: as `write-via-stream`.
        """
        return self._written(data, None)

    def _written(self, data: GuestStream[int], offset: int | None) -> ResultFuture:
        future = new_future()
        try:
            data.forward(attempt(self._descriptor.sink, offset, partial(settle, future, error_code)))
        except WitError as error:
            data.close()
            future.set_result(Err(error.value))
        return future

    def advise(self, offset: int, length: int, advice: Advice) -> None:
        """WIT: `advise: async func(offset: filesize, length: filesize, advice: advice) -> result<_, error-code>`.

        Without effect where the system has no posix_fadvise.
        - `bad-descriptor`: it is a directory.
        - `invalid`: the length is 2^63 or more.
        - `invalid-seek`: it is a FIFO.
        """
        attempt(self._descriptor.advise, offset, length, advice)

    def sync_data(self) -> Answer[None]:
        """WIT: `sync-data: async func() -> result<_, error-code>`; fdatasync(2)."""
        return ask(self._descriptor.sync, False)

    def get_flags(self) -> DescriptorFlags:
        """WIT: `get-flags: async func() -> result<descriptor-flags, error-code>`."""
        return self._descriptor.flags

    def get_type(self) -> Answer[TypeCase]:
        """WIT: `get-type: async func() -> result<descriptor-type, error-code>`."""
        return then(ask(self._descriptor.stat), _type)

    def set_size(self, size: int) -> Answer[None]:
        """WIT: `set-size: async func(size: filesize) -> result<_, error-code>`.

        - `bad-descriptor`: it is a directory.
        - `invalid`: it was not opened to write, or the size is 2^63 or more.
        - `file-too-large`: no file of that file system can be so long.
        """
        return ask(self._descriptor.set_size, size)

    def set_times(
        self, data_access_timestamp: AnyNewTimestamp, data_modification_timestamp: AnyNewTimestamp
    ) -> Answer[None]:
        """WIT: `set-times: async func(data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp) -> result<_, error-code>`.

        Of a time that the file system does not reach it takes the nearest.
        - `overflow`: more than 2^63 - 1 seconds.
        """  # noqa: E501
        times = attempt(to_new_time, data_access_timestamp), attempt(to_new_time, data_modification_timestamp)
        return ask(self._descriptor.set_times, *times)

    def read_directory(self) -> tuple[ValueSource[DirectoryEntry], ResultFuture]:
        """WIT: `read-directory: func() -> tuple<stream<directory-entry>, future<result<_, error-code>>>`.

        The future is ok at the end, or when the guest drops the stream. Errors are in the future, and end the stream.
        - `illegal-byte-sequence`: a name is not UTF-8; those that were read before it are in the stream.
        """
        future = new_future()
        try:
            return attempt(self._descriptor.entry_source, to_entries, partial(settle, future, error_code)), future
        except WitError as error:
            future.set_result(Err(error.value))
            return EndedValues(), future

    def sync(self) -> Answer[None]:
        """WIT: `sync: async func() -> result<_, error-code>`; fsync(2)."""
        return ask(self._descriptor.sync, True)

    def create_directory_at(self, path: str) -> Answer[None]:
        """WIT: `create-directory-at: async func(path: string) -> result<_, error-code>`.

        - `exist`: something has that name, a link that leads nowhere too.
        """
        return ask(self._descriptor.create_directory, path)

    def stat(self) -> Answer[DescriptorStat]:
        """WIT: `stat: async func() -> result<descriptor-stat, error-code>`."""
        return then(ask(self._descriptor.stat), to_stat)

    def stat_at(self, path_flags: PathFlags, path: str) -> Answer[DescriptorStat]:
        """WIT: `stat-at: async func(path-flags: path-flags, path: string) -> result<descriptor-stat, error-code>`."""
        return then(ask(self._descriptor.stat_at, path, path_flags is FOLLOW), to_stat)

    def set_times_at(
        self,
        path_flags: PathFlags,
        path: str,
        data_access_timestamp: AnyNewTimestamp,
        data_modification_timestamp: AnyNewTimestamp,
    ) -> Answer[None]:
        """WIT: `set-times-at: async func(path-flags: path-flags, path: string, data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp) -> result<_, error-code>`.

        - `overflow`: more than 2^63 - 1 seconds.
        """  # noqa: E501
        times = attempt(to_new_time, data_access_timestamp), attempt(to_new_time, data_modification_timestamp)
        return ask(self._descriptor.set_times_at, path, path_flags is FOLLOW, *times)

    def link_at(
        self, old_path_flags: PathFlags, old_path: str, new_descriptor: Descriptor, new_path: str
    ) -> Answer[None]:
        """WIT: `link-at: async func(old-path-flags: path-flags, old-path: string, new-descriptor: borrow<descriptor>, new-path: string) -> result<_, error-code>`.

        - `invalid`: `symlink-follow` is set.
        - `exist`: the new path is there.
        - `not-permitted`: the old path is a directory, or one of the two mounts is read-only.
        - `cross-device`: they are on different file systems.
        """  # noqa: E501
        return ask(self._descriptor.link, old_path, old_path_flags is FOLLOW, new_descriptor._descriptor, new_path)

    def open_at(
        self, path_flags: PathFlags, path: str, open_flags: OpenFlags, flags: DescriptorFlags
    ) -> Answer[Descriptor]:
        """WIT: `open-at: async func(path-flags: path-flags, path: string, open-flags: open-flags, flags: descriptor-flags) -> result<descriptor, error-code>`.

        `create` and `truncate` open to read and write unless `flags` has `write` alone. `mutate-directory` is kept for
        `get-flags`; the mount decides whether changes are possible.
        - `invalid`: `directory` with `create`, `exclusive` or `truncate`.
        - `not-permitted`: `create`, `truncate` or `write` in a read-only mount.
        - `exist`: `create` with `exclusive`, and something is there.
        - `is-directory`: a directory is to be written, or a path with `/` at its end created.
        - `loop`: it is a symbolic link, and `symlink-follow` is not set.
        - `no-such-device`: a socket, or a FIFO to write that no process reads.
        """  # noqa: E501
        return then(ask(self._descriptor.open, path, path_flags is FOLLOW, open_flags, flags), Descriptor)

    def readlink_at(self, path: str) -> Answer[str]:
        """WIT: `readlink-at: async func(path: string) -> result<string, error-code>`.

        - `invalid`: it is no symbolic link.
        - `not-permitted`: the link is absolute.
        - `illegal-byte-sequence`: it is not UTF-8.
        """
        return ask(self._descriptor.readlink, path)

    def remove_directory_at(self, path: str) -> Answer[None]:
        """WIT: `remove-directory-at: async func(path: string) -> result<_, error-code>`.

        - `not-empty`: it is not.
        - `invalid`: the path ends with `.` or `..`.
        - `busy`: something is mounted there.
        """
        return ask(self._descriptor.remove_directory, path)

    def rename_at(self, old_path: str, new_descriptor: Descriptor, new_path: str) -> Answer[None]:
        """WIT: `rename-at: async func(old-path: string, new-descriptor: borrow<descriptor>, new-path: string) -> result<_, error-code>`.

        - `not-permitted`: one of the two mounts is read-only.
        - `not-empty`, `is-directory`, `not-directory`: the new path is there, and cannot be replaced by the old one; or
          a path ends with `/`, and the old one is no directory.
        - `invalid`: a directory into itself.
        - `busy`: a path that ends with `.` or `..`, or where something is mounted.
        - `cross-device`: they are on different file systems.
        """  # noqa: E501
        return ask(self._descriptor.rename, old_path, new_descriptor._descriptor, new_path)

    def symlink_at(self, old_path: str, new_path: str) -> Answer[None]:
        """WIT: `symlink-at: async func(old-path: string, new-path: string) -> result<_, error-code>`.

        - `not-permitted`: the old path begins with `/`.
        - `exist`: the new path is there.
        """
        return ask(self._descriptor.symlink, old_path, new_path)

    def unlink_file_at(self, path: str) -> Answer[None]:
        """WIT: `unlink-file-at: async func(path: string) -> result<_, error-code>`.

        - `is-directory`: it is one; `not-permitted` outside of Linux.
        """
        return ask(self._descriptor.remove_file, path)

    def is_same_object(self, other: Descriptor) -> bool:
        """WIT: `is-same-object: async func(other: borrow<descriptor>) -> bool`."""
        return self._descriptor.identity == other._descriptor.identity

    def metadata_hash(self) -> MetadataHashValue:
        """WIT: `metadata-hash: async func() -> result<metadata-hash-value, error-code>`; of device and inode."""
        return _hash(self._descriptor.identity_hash())

    def metadata_hash_at(self, path_flags: PathFlags, path: str) -> Answer[MetadataHashValue]:
        """WIT: `metadata-hash-at: async func(path-flags: path-flags, path: string) -> result<metadata-hash-value, error-code>`."""  # noqa: E501
        return then(ask(self._descriptor.identity_hash_at, path, path_flags is FOLLOW), _hash)

    def drop(self) -> None:
        """The handle is gone; streams go on."""
        self._descriptor.close()


def _type(stat: Stat) -> TypeCase:
    return to_type(stat.kind)


def _hash(halves: tuple[int, int]) -> MetadataHashValue:
    return MetadataHashValue(*halves)
