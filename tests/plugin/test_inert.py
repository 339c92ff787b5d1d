"""Whoever does not use the plugin does not notice it."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

pytestmark = pytest.mark.slow  # each is a pytest of its own


def test_nothing_of_wasihost_is_imported_before_a_fixture_is_used(project: Project) -> None:
    result = project.run(
        """
        import sys

        def test_nothing_is_imported():
            assert [name for name in sys.modules if name.split(".")[0] in ("wasihost", "wasmtime")] == []

        def test_the_plugin_is_there(request):
            assert request.config.pluginmanager.hasplugin("wasihost")

        def test_the_first_use_imports_it(wasi_net):
            assert {"wasihost", "wasmtime"} <= set(sys.modules)
        """,
        prelude="",
    )
    result.assert_outcomes(passed=3)


def test_async_tests_without_its_fixtures_are_left_alone(project: Project) -> None:
    result = project.run("async def test_it(): pass", prelude="")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("*async def functions are not natively supported*")


def test_it_can_be_switched_off(project: Project) -> None:
    result = project.run("def test_it(wasi_net): pass", "-p", "no:wasihost", prelude="")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("*fixture 'wasi_net' not found*")


def test_pytest_lists_its_markers_and_fixtures(project: Project) -> None:
    markers = project.run("", "--markers", prelude="")
    markers.stdout.fnmatch_lines(["@pytest.mark.wasi_real_network: *", "@pytest.mark.wasi_faults(*faults): *"])
    fixtures = project.run("", "--fixtures", prelude="")
    for name in ("wasi_net", "wasi_guest", "wasi_host", "wasi_clock", "wasi_trace", "wasi_run"):
        fixtures.stdout.fnmatch_lines(f"{name} -- *")
