"""Run WebAssembly components from Python, with every host function written in Python.

- `Host` runs components: `Host(policy=…).run("guest.wasm")`.
- `configure`, `adapt`, `add_tcp_to_linker` and `add_wasip2_tcp_to_linker` are for an engine, store and linker of your
  own.
- `arrow`, `files`, `http`, `jobs`, `network`, `otel`, `policy`, `providers`, `pytest`, `recording` and `testing` have
  the rest. Names that begin with an underscore are private.
"""

from wasihost._base.clock import Clock, OsClock, VirtualClock
from wasihost._base.errors import (
    ComponentError,
    ConfigError,
    DeadlockError,
    DivergenceError,
    ForkError,
    GuestExit,
    GuestTimeout,
    GuestTrap,
    InternalError,
    LimitError,
    LinkError,
    MissingExtraError,
    ProviderError,
    RecordingError,
    RuleError,
    UnsupportedTypeError,
    WasihostError,
)
from wasihost._base.limits import Limits
from wasihost._base.public import publish as _publish
from wasihost._base.streams import ByteSink, ByteSource, GuestByteStream, GuestStream, GuestValueStream, ValueSource
from wasihost._base.version import __version__
from wasihost._component.adapt import Component
from wasihost._component.cache import Cache
from wasihost._component.instance import Instance
from wasihost._component.resources import ResourceTable
from wasihost._component.running.engine import configure
from wasihost._component.running.exports.resources import GuestResource
from wasihost._component.running.options import RunOptions
from wasihost._component.running.stats import Stats
from wasihost._component.values import Err, Ok, Some, WitError
from wasihost._host.embedding import add_tcp_to_linker, add_wasip2_tcp_to_linker
from wasihost._host.exports import Exports
from wasihost._host.host import Host
from wasihost._host.loading import adapt
from wasihost._host.pool import Pool
from wasihost._host.results import RunResult
from wasihost._host.sync import SyncInstance
from wasihost._network.base import Address, Network
from wasihost._network.os import OsNetwork
from wasihost._policy import (
    Decision,
    Policy,
    PolicyContext,
    Rules,
    SocketAddressUse,
    Verdict,
    all_of,
    allow_all,
    any_of,
    deny_all,
)

__all__ = [
    "Address",
    "ByteSink",
    "ByteSource",
    "Cache",
    "Clock",
    "Component",
    "ComponentError",
    "ConfigError",
    "DeadlockError",
    "Decision",
    "DivergenceError",
    "Err",
    "Exports",
    "ForkError",
    "GuestByteStream",
    "GuestExit",
    "GuestResource",
    "GuestStream",
    "GuestTimeout",
    "GuestTrap",
    "GuestValueStream",
    "Host",
    "Instance",
    "InternalError",
    "LimitError",
    "Limits",
    "LinkError",
    "MissingExtraError",
    "Network",
    "Ok",
    "OsClock",
    "OsNetwork",
    "Policy",
    "PolicyContext",
    "Pool",
    "ProviderError",
    "RecordingError",
    "ResourceTable",
    "RuleError",
    "Rules",
    "RunOptions",
    "RunResult",
    "SocketAddressUse",
    "Some",
    "Stats",
    "SyncInstance",
    "UnsupportedTypeError",
    "ValueSource",
    "Verdict",
    "VirtualClock",
    "WasihostError",
    "WitError",
    "__version__",
    "adapt",
    "add_tcp_to_linker",
    "add_wasip2_tcp_to_linker",
    "all_of",
    "allow_all",
    "any_of",
    "configure",
    "deny_all",
]

_publish(globals())
