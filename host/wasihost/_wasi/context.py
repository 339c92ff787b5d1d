"""The parts that the providers of one guest share, whichever version of WASI they serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from wasihost._base.clock import Clock
from wasihost._base.streams import Unwritten
from wasihost._network.names import Names
from wasihost._wasi.cli import Command, Stdio
from wasihost._wasi.filesystem.mounts import Mounts
from wasihost._wasi.random import Random
from wasihost._wasi.sockets.access import Access

if TYPE_CHECKING:  # for guests with HTTP
    from wasihost._wasi.http.context import Http


class WasiContext(Protocol):
    """Those cores, each made when it is first wanted: most guests want few of them."""

    @property
    def command(self) -> Command:
        """Its environment, arguments and standard streams, as the host has them."""

    @property
    def stdio(self) -> Stdio:
        """Its standard streams."""

    @property
    def clock(self) -> Clock:
        """Its clock."""

    @property
    def random(self) -> Random:
        """Its random numbers."""

    @property
    def access(self) -> Access:
        """Its network, behind the policy."""

    @property
    def names(self) -> Names:
        """The names that it may look up."""

    @property
    def unwritten(self) -> Unwritten:
        """The writers whose bytes nothing has taken yet."""

    @property
    def mounts(self) -> Mounts:
        """Its directories."""

    @property
    def http(self) -> Http:
        """The rules for its headers, and the handler of its requests."""


Maker: TypeAlias = Callable[[WasiContext], Mapping[str, object]]
"""Makes a provider for each interface of one package, by its name with the version."""
