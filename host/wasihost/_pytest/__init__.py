"""The types of the pytest plugin's fixtures, for annotations: see `docs/how-to/testing.md`.

| fixture | is |
|---|---|
| `wasi_guest` | `GuestLoader`, which makes a `Guest` |
| `wasi_net` | `wasihost.testing.VirtualNetwork`; `OsNetwork` in a test on the real network |
| `wasi_host` | `wasihost.Host` |
| `wasi_clock` | `BenchClock` |
| `wasi_trace` | `Trace` |
| `wasi_files` | `GuestFiles` |
| `wasi_http` | `Http`, which makes a `ServedGuest` or an `Origin` |
| `wasi_run` | a function that runs a coroutine on the test's event loop |

The plugin itself is the module `_wasihost_pytest_plugin`, outside of this package: pytest imports it at every start,
and importing anything of `wasihost` would bring Wasmtime.
"""

from wasihost._pytest.bench import Bench
from wasihost._pytest.clock import BenchClock
from wasihost._pytest.files import GuestFiles
from wasihost._pytest.guest import Guest
from wasihost._pytest.http import Answer, Asked, Http, Origin, ServedGuest
from wasihost._pytest.loader import GuestLoader
from wasihost._pytest.trace import Trace

__all__ = [
    "Answer",
    "Asked",
    "Bench",
    "BenchClock",
    "Guest",
    "GuestFiles",
    "GuestLoader",
    "Http",
    "Origin",
    "ServedGuest",
    "Trace",
]
