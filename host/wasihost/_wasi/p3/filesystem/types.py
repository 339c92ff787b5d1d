"""`wasi:filesystem/types`."""

from __future__ import annotations

from typing import ClassVar

from wasihost._wasi.common.files import MetadataHashValue
from wasihost._wasi.filesystem.flags import Advice, DescriptorFlags, OpenFlags, PathFlags
from wasihost._wasi.p3.filesystem.descriptor import Descriptor
from wasihost._wasi.p3.filesystem.errors import ErrorCode
from wasihost._wasi.p3.filesystem.records import DescriptorStat, DescriptorType, DirectoryEntry, NewTimestamp


class Types:
    """Provider of wasi:filesystem/types."""

    Descriptor = Descriptor

    wit_types: ClassVar[dict[str, type]] = {
        "advice": Advice,
        "descriptor-flags": DescriptorFlags,
        "descriptor-stat": DescriptorStat,
        "descriptor-type": DescriptorType,
        "directory-entry": DirectoryEntry,
        "error-code": ErrorCode,
        "metadata-hash-value": MetadataHashValue,
        "new-timestamp": NewTimestamp,
        "open-flags": OpenFlags,
        "path-flags": PathFlags,
    }
