"""The pytest plugin of wasihost: fixtures that run guests on a virtual network. See docs/how-to/testing.md.

It is no part of the package `wasihost`, because pytest imports it at every start and Wasmtime takes its time: nothing
but pytest is imported here before the first test that uses one of its fixtures.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from wasihost._host.host import Host
    from wasihost._network.base import Network
    from wasihost._pytest import Bench, BenchClock, GuestLoader, Trace
    from wasihost._pytest.components import Components
    from wasihost._pytest.files import GuestFiles
    from wasihost._pytest.http import Http

_BENCH = pytest.StashKey["Bench"]()
_COMPONENTS = pytest.StashKey["Components"]()
_MARKERS = (
    "wasi_real_network: the guests of this test are on the operating system's network, in real time",
    "wasi_faults(*faults): the faults for this test's guests: Faults, a FaultPlan or RandomFaults",
    "wasi_may_leak: this test may leave connections, guests, tasks and sockets behind",
)


def pytest_configure(config: pytest.Config) -> None:
    """Makes the markers known."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


# ---- fixtures


@pytest.fixture
def wasi_net(_wasi_bench: Bench) -> Network:
    """The network of this test's guests: a VirtualNetwork, or an OsNetwork after `pytest.mark.wasi_real_network`."""
    return _wasi_bench.network


@pytest.fixture
def wasi_guest(_wasi_bench: Bench, wasi_net: Network) -> GuestLoader:
    """Makes guests: `wasi_guest("guest.wasm", env={...}).run()`."""
    from wasihost._pytest import GuestLoader

    _wasi_bench.network = wasi_net  # of a project's own, perhaps
    return GuestLoader(_wasi_bench)


@pytest.fixture
def wasi_http(_wasi_bench: Bench, wasi_net: Network) -> Http:
    """Serves HTTP with guests: `with wasi_http.serve("app.wasm") as app: app.get("/")`."""
    from wasihost._pytest.http import Http

    _wasi_bench.network = wasi_net
    return Http(_wasi_bench)


@pytest.fixture
def wasi_files(_wasi_bench: Bench) -> GuestFiles:
    """Files in memory, which this test's guests have as `/`: `wasi_files["/in.txt"] = b"..."`."""
    return _wasi_bench.files


@pytest.fixture
def wasi_host(_wasi_bench: Bench, wasi_net: Network) -> Host:
    """A `wasihost.Host` on this test's network, where everything is allowed if that is virtual."""
    _wasi_bench.network = wasi_net
    return _wasi_bench.host


@pytest.fixture
def wasi_clock(_wasi_bench: Bench) -> BenchClock:
    """The time of this test: the virtual event loop's, or else one that only `advance(seconds)` moves."""
    _wasi_bench.clock.hold()
    return _wasi_bench.clock


@pytest.fixture
def wasi_trace(_wasi_bench: Bench) -> Trace:
    """The events of this test's guests."""
    return _wasi_bench.trace


@pytest.fixture
def wasi_run(_wasi_bench: Bench) -> Callable[[Callable[[], Any]], Any]:
    """Runs a coroutine function on the event loop of a test that is not async: `wasi_run(main)`."""
    return _wasi_bench.run


@pytest.fixture
def _wasi_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    from wasihost._pytest import Bench

    item = request.node
    test = request.node.obj
    is_async = inspect.iscoroutinefunction(test)
    bench = Bench(
        _components(request.config),
        _folders(item.path.parent, request.config.rootpath),
        is_async=is_async,
        is_real=item.get_closest_marker("wasi_real_network") is not None,
        faults=_faults(item.get_closest_marker("wasi_faults")),
    )
    if "wasi_files" in request.fixturenames:
        bench.files  # noqa: B018, also for hosts that fixtures make before it
    item.stash[_BENCH] = bench
    if is_async:
        item.obj = bench.checked(test)  # whoever runs it
    yield bench
    item.obj = test
    left = bench.close()
    if left and item.get_closest_marker("wasi_may_leak") is None:
        pytest.fail("\n  ".join(["the test has left behind:", *left]), pytrace=False)


def _components(config: pytest.Config) -> Components:
    """Those of the session, on disk in pytest's cache directory, if it has one."""
    from wasihost._pytest.components import Components

    if _COMPONENTS not in config.stash:
        cache = getattr(config, "cache", None)
        config.stash[_COMPONENTS] = Components(None if cache is None else cache.mkdir("wasihost") / "components")
    return config.stash[_COMPONENTS]


def _folders(start: Path, root: Path) -> list[Path]:
    """`start` and the folders above it as far as `root`."""
    above = [folder for folder in start.parents if folder == root or root in folder.parents]
    return list(dict.fromkeys([start, *above, root]))


def _faults(marker: pytest.Mark | None) -> Any:
    if marker is None:
        return None
    from wasihost._network.faults import FaultPlan, RandomFaults

    match marker.args:
        case (FaultPlan() | RandomFaults() as plan,):
            return plan
    return FaultPlan(*marker.args)


# ---- hooks


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs an async test that uses these fixtures and that no other plugin has claimed."""
    bench = pyfuncitem.stash.get(_BENCH, None)
    if bench is None or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    bench.run(lambda: pyfuncitem.obj(**arguments))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the events of the guests of a test that failed."""
    report = yield
    bench = item.stash.get(_BENCH, None)
    if bench is not None:
        bench.has_failed |= call.excinfo is not None  # one that is skipped or was expected to fail does not end either
        if report.failed:
            report.sections += bench.sections()
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Shows the lines of a trace, or the paths of the files, in which something is not."""
    fixtures = sys.modules.get("wasihost._pytest")
    if "in" not in op or fixtures is None:
        return None
    what = left.__name__ if isinstance(left, type) else repr(left)
    match right:
        case fixtures.Trace():
            return [f"{what} {op} the trace:", *right.lines]
        case fixtures.GuestFiles():
            return [f"{what} {op} wasi_files:", *right]
    return None
