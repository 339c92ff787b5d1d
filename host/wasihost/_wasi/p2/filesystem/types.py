"""`wasi:filesystem/types`."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from wasihost._wasi.common.files import MetadataHashValue
from wasihost._wasi.filesystem.flags import Advice, DescriptorFlags, OpenFlags, PathFlags
from wasihost._wasi.filesystem.metadata import Kind
from wasihost._wasi.p2.filesystem.descriptor import Descriptor, DirectoryEntryStream
from wasihost._wasi.p2.filesystem.errors import ErrorCode, error_code
from wasihost._wasi.p2.filesystem.records import DescriptorStat, DirectoryEntry, NewTimestamp
from wasihost._wasi.p2.io.error import Domain, Error

_Descriptor: TypeAlias = Descriptor  # the provider has an attribute of that name


class Types:
    """Provider of wasi:filesystem/types."""

    Descriptor: type[_Descriptor] = Descriptor
    DirectoryEntryStream = DirectoryEntryStream

    wit_types: ClassVar[dict[str, type]] = {
        "advice": Advice,
        "descriptor-flags": DescriptorFlags,
        "descriptor-stat": DescriptorStat,
        "descriptor-type": Kind,
        "directory-entry": DirectoryEntry,
        "error-code": ErrorCode,
        "metadata-hash-value": MetadataHashValue,
        "new-timestamp": NewTimestamp,
        "open-flags": OpenFlags,
        "path-flags": PathFlags,
    }

    def filesystem_error_code(self, err: Error) -> ErrorCode | None:
        """WIT: `filesystem-error-code: func(err: borrow<error>) -> option<error-code>`.

        None for an error that is no file's and no standard stream's.
        """
        return error_code(err.cause) if err.domain is Domain.FILES else None
