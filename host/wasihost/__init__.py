"""Run WASI 0.3 components from Python, with every host function written in Python.

- `Host` runs components: `Host(policy=…).run("guest.wasm")`.
- `configure`, `adapt` and `add_tcp_to_linker` are for an engine, store and linker of your own.
- `wasihost.network` has networks and policies, `wasihost.component` the machine, `wasihost.wasi` the providers.
"""

from wasihost.clock import Clock, OsClock, VirtualClock
from wasihost.component.adapt import AdaptedComponent
from wasihost.component.cache import Cache
from wasihost.component.resources import ResourceTable
from wasihost.component.running.engine import configure
from wasihost.component.running.guestcall import GuestResource
from wasihost.component.running.instance import Instance
from wasihost.component.running.stats import Stats
from wasihost.component.values import Err, Ok, Some, WitError
from wasihost.embedding import add_tcp_to_linker
from wasihost.errors import (
    ComponentError,
    DeadlockError,
    DivergenceError,
    ForkError,
    GuestExit,
    GuestTimeout,
    GuestTrap,
    InternalError,
    LimitError,
    LinkError,
    ProviderError,
    RecordingError,
    RuleError,
    UnsupportedTypeError,
    WasihostError,
)
from wasihost.exports import Exports
from wasihost.host import Host, adapt
from wasihost.limits import Limits
from wasihost.network.os import OsNetwork
from wasihost.policy import (
    Context,
    Decision,
    Policy,
    Rules,
    SocketAddressUse,
    Verdict,
    all_of,
    allow_all,
    any_of,
    deny_all,
)
from wasihost.pool import Pool
from wasihost.streams import ByteReader, ByteSink, ByteSource, StreamReader, ValueReader, ValueSource
from wasihost.version import __version__

__all__ = [
    "AdaptedComponent",
    "ByteReader",
    "ByteSink",
    "ByteSource",
    "Cache",
    "Clock",
    "ComponentError",
    "Context",
    "DeadlockError",
    "Decision",
    "DivergenceError",
    "Err",
    "Exports",
    "ForkError",
    "GuestExit",
    "GuestResource",
    "GuestTimeout",
    "GuestTrap",
    "Host",
    "Instance",
    "InternalError",
    "LimitError",
    "Limits",
    "LinkError",
    "Ok",
    "OsClock",
    "OsNetwork",
    "Policy",
    "Pool",
    "ProviderError",
    "RecordingError",
    "ResourceTable",
    "RuleError",
    "Rules",
    "SocketAddressUse",
    "Some",
    "Stats",
    "StreamReader",
    "UnsupportedTypeError",
    "ValueReader",
    "ValueSource",
    "Verdict",
    "VirtualClock",
    "WasihostError",
    "WitError",
    "__version__",
    "adapt",
    "add_tcp_to_linker",
    "all_of",
    "allow_all",
    "any_of",
    "configure",
    "deny_all",
]
