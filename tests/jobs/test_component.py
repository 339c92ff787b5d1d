"""A job as a value: what is equal, what travels, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from tests.guests.harness import PREBUILT
from tests.jobs.work import HOST, LIMITS, WASM, WORK, Notes, component
from wasihost import Cache, ComponentError, ConfigError, Limits, LinkError, Rules, UnsupportedTypeError
from wasihost._jobs import component as jobs_module
from wasihost._jobs import here
from wasihost.files import Directory, MemoryFiles
from wasihost.jobs import Component

EXPORTS = "test:exports/api@1.0.0"


def again(obj: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What another process makes of it that knows nothing yet."""
    pickled = pickle.dumps(obj)
    monkeypatch.setattr(here, "_bytes", {})
    monkeypatch.setattr(jobs_module, "_jobs", {})
    return pickle.loads(pickled)


def module_policy(address: object, use: object, context: object) -> bool:
    return False


# ---- equality


def test_jobs_of_the_same_component_and_settings_are_equal(cache: Path) -> None:
    one, two = (component(cache, policy=Rules(outbound=["tcp://10.0.0.1:80"]), instances="kept") for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)


@pytest.mark.parametrize(
    "other",
    [
        {"limits": Limits(run_time_s=1)},
        {"policy": module_policy},
        {"instances": "kept"},
        {"workers": 2},
        {"pure": True},
    ],
    ids=" ".join,
)
def test_jobs_with_other_settings_differ(cache: Path, other: dict[str, Any]) -> None:
    assert component(cache, **other) != component(cache)


def test_a_job_is_equal_after_pickling(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = component(cache, files={"/tmp": MemoryFiles, "/data": Directory(cache, read_only=True)}, policy=module_policy)
    found = again(job, monkeypatch)
    assert found == job
    assert found.settings == job.settings


# ---- pickling


def test_a_bound_export_is_pickled_without_the_component() -> None:
    job = Component(PREBUILT / "rust-streams.wasm", cache=None)
    assert len(pickle.dumps(job.bind("test:streams/api#writing"))) < 2000


def test_the_job_that_was_pickled_is_found_again_in_its_process(cache: Path) -> None:
    bound = component(cache).bind(WORK)
    one, two = (pickle.loads(pickle.dumps(bound)) for _ in range(2))
    assert one.job is two.job


def test_bytes_come_from_the_path_in_another_process(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = again(component(cache), monkeypatch)
    assert here.bytes_of(job).startswith(b"\0asm")


def test_bytes_without_a_path_come_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wasm = here.bytes_of(component(tmp_path))
    job = again(Component(wasm, cache=Cache(tmp_path)), monkeypatch)
    assert here.bytes_of(job) == wasm


def test_with_bytes_they_travel_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wasm = here.bytes_of(component(tmp_path))
    job = again(Component(wasm, cache=None).with_bytes(), monkeypatch)
    assert here.bytes_of(job) == wasm
    assert len(pickle.dumps(job)) < len(pickle.dumps(job.with_bytes()))


def test_a_component_that_is_another_one_by_now_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "udf.wat"
    path.write_bytes(WASM.read_bytes())
    job = Component(path, cache=None)
    path.write_text("(component)")
    with pytest.raises(ComponentError, match=r"another one by now: sha256 .*with_bytes"):
        here.bytes_of(again(job, monkeypatch))


# ---- what is refused when a job is made


def test_a_callable_without_an_import_path_is_refused(cache: Path) -> None:
    with pytest.raises(ConfigError, match=r"policy of a job cannot travel to another process: .*; a callable must be"):
        component(cache, policy=lambda address, use, context: True)


def test_a_provider_without_an_import_path_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"providers of a job: '{HOST}' is .* which has no import path"):
        Component(WASM, providers={HOST: lambda: Notes()})
    with pytest.raises(ConfigError, match=r"expected an import path such as 'app\.store:Store'"):
        Component(WASM, providers={HOST: "tests.jobs.work.Notes"})


def test_a_class_is_taken_for_its_import_path() -> None:
    assert Component(WASM, providers={HOST: "tests.jobs.work:Notes"}) == Component(WASM, providers={HOST: Notes})


def test_a_file_system_of_this_process_is_refused(cache: Path) -> None:
    with pytest.raises(ConfigError, match="files of a job: '/tmp' is a MemoryFiles, which stays in its process"):
        component(cache, files={"/tmp": MemoryFiles()})


@pytest.mark.parametrize(
    "wrong", [{"instances": "some"}, {"reuse": 0}, {"instances": "kept", "reuse": 3}, {"workers": 0}], ids=str
)
def test_settings_without_a_meaning_are_refused(cache: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="a job"):
        component(cache, **wrong)


# ---- what is refused when an export is bound


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("count-to", "the result has a stream"),
        ("checksum", "the parameter data has a stream"),
        ("new-counter", "the result has a resource"),
        ("read-counters", "the parameter counters has a resource"),
    ],
)
def test_what_stays_in_its_process_is_refused_by_the_wit(function: str, reason: str) -> None:
    job = Component(PREBUILT / "rust-exports.wasm", cache=None)
    with pytest.raises(UnsupportedTypeError, match=f"{EXPORTS}#{function}: {reason}, which stays in its process"):
        job.bind(f"{EXPORTS}#{function}")


def test_an_unknown_export_is_refused(cache: Path) -> None:
    with pytest.raises(LookupError, match="does not export 'test:jobs/api#play'"):
        component(cache).bind("test:jobs/api#play")


# ---- workers


def test_workers_share_the_memory_of_the_machine(cache: Path) -> None:
    job = component(cache, limits=Limits(total_memory_bytes=1 << 30), workers=4)
    assert job.settings.limits_of_one.total_memory_bytes == 1 << 28


def test_a_missing_import_is_a_link_error(cache: Path) -> None:
    with pytest.raises(LinkError, match=HOST):
        Component(WASM, cache=Cache(cache), limits=LIMITS)(WORK, 1)
