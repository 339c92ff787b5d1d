from __future__ import annotations

import pytest

from wasihost._component.world.versions import find, serving


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        ("a:b/c@1.0.1", ["a:b/c@1.0.1", "a:b/c@1.2.0"], "a:b/c@1.0.1"),
        ("a:b/c@1.0.0", ["a:b/c@1.0.1", "a:b/c@1.2.0", "a:b/c@1.1.9"], "a:b/c@1.2.0"),
        ("a:b/c@1.9.0", ["a:b/c@1.0.1"], "a:b/c@1.0.1"),
        ("a:b/c@1.10.0", ["a:b/c@1.9.0", "a:b/c@1.11.0", "a:b/c@10.0.0"], "a:b/c@1.11.0"),
        ("a:b/c@2.0.0", ["a:b/c@1.0.1"], None),
        ("a:b/c@0.3.2", ["a:b/c@0.3.0", "a:b/c@0.4.0"], "a:b/c@0.3.0"),
        ("a:b/c@0.2.0", ["a:b/c@0.3.0"], None),
        ("a:b/c@0.0.4", ["a:b/c@0.0.5"], None),
        ("a:b/c@0.0.4", ["a:b/c@0.0.4"], "a:b/c@0.0.4"),
        ("a:b/c@1.0.0", ["a:b/c@1.0.0+build-7"], "a:b/c@1.0.0+build-7"),
        ("a:b/c@1.0.0", ["a:b/c"], None),
        ("a:b/c@1.0.0", ["a:b/d@1.0.0", "a:b/c-c@1.0.0"], None),
    ],
)
def test_a_version_means_itself_or_else_the_newest_compatible_one(
    name: str, names: list[str], found: str | None
) -> None:
    assert find(name, names) == found
    assert find(name, names[::-1]) == found


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        ("a:b/c@1.0.0-rc.1", ["a:b/c@1.0.0-rc.1", "a:b/c@1.0.0"], "a:b/c@1.0.0-rc.1"),
        ("a:b/c@1.0.0-rc.1", ["a:b/c@1.0.0", "a:b/c@1.0.0-rc.2"], None),
        ("a:b/c@1.0.0", ["a:b/c@1.0.0-rc.1"], None),
        ("a:b/c@1.0.0", ["a:b/c@1.1.0-rc.1", "a:b/c@1.0.1"], "a:b/c@1.0.1"),
    ],
)
def test_a_pre_release_is_found_by_its_whole_name_only(name: str, names: list[str], found: str | None) -> None:
    assert find(name, names) == found


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a:b/c@0.2.9", "a:b/c@0.3.0", "a:b/c@0.2.10"], "a:b/c@0.3.0"),
        (["a:b/c", "a:b/c@1.0.0"], "a:b/c"),
        (["a:b/c@2.0.0-rc.1", "a:b/c@1.0.0"], "a:b/c@1.0.0"),
        (["a:b/c@0.3.0-rc-2025-09-16", "a:b/c@0.3.0-rc-2025-08-15"], "a:b/c@0.3.0-rc-2025-09-16"),
        (["a:b/d@1.0.0"], None),
        ([], None),
    ],
)
def test_no_version_means_the_newest_release(names: list[str], found: str | None) -> None:
    assert find("a:b/c", names) == found


def test_functions_are_found_as_their_interfaces_are() -> None:
    paths = ["a:b/c@1.0.1#f", "a:b/c@1.2.0#g", "a:b/c@2.0.0#[method]r.f", "f"]
    assert find("a:b/c@1.0.0#f", paths) == "a:b/c@1.0.1#f"
    assert find("a:b/c#[method]r.f", paths) == "a:b/c@2.0.0#[method]r.f"
    assert find("a:b/c@1.0.0#h", paths) is None
    assert find("f", paths) == "f"
    assert find("g", paths) is None


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        ("a:b/c@0.3.2", ["a:b/c@0.3.0", "a:b/c"], "a:b/c@0.3.0"),
        ("a:b/c@0.2.6", ["a:b/c@0.3.0", "a:b/c"], "a:b/c"),
        ("a:b/c@0.2.6", ["a:b/c@0.3.0"], None),
        ("a:b/c@0.3.0-rc.1", ["a:b/c@0.3.0", "a:b/c"], "a:b/c"),
        ("a:b/c", ["a:b/c@0.3.0", "a:b/c"], "a:b/c"),
        ("a:b/c", ["a:b/c@0.3.0"], None),
        ("a:b/c@0.3.2#f", ["a:b/c@0.3.0#f"], "a:b/c@0.3.0#f"),
        ("a:b/c@0.2.0#f", ["a:b/c@0.3.0#f", "a:b/c#g"], None),
    ],
)
def test_a_name_with_a_version_serves_the_compatible_ones_and_one_without_serves_all(
    name: str, names: list[str], found: str | None
) -> None:
    assert serving(name, names) == found
