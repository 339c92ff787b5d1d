"""Plans of faults as Python and as JSON, and what is told of bad ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasihost._base.errors import ConfigError
from wasihost._network.faults import Fault, FaultPlan, RandomFaults
from wasihost._network.faults.fault import CALLS, FILE_CALLS, STREAMS, TRANSFERS


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """Any fault."""
    on = draw(st.sampled_from(CALLS))
    words = {
        "resolve": ["EAI_NONAME", "EAI_AGAIN", "EAI_FAIL", "stall"],
        "connect": ["ECONNREFUSED", "stall"],
        "accept": ["ECONNABORTED", "drop", "stall"],
        "receive": ["ECONNRESET", "short", "stall"],
        "send": ["EPIPE", "short", "stall"],
        "udp-send": ["drop", "duplicate", "swap", "stall", "ENOBUFS"],
        "udp-receive": ["drop", "duplicate", "swap", "stall", "ENOBUFS"],
    }
    of_files = ["ENOSPC", "short", "stall"] if on in TRANSFERS else ["EIO", "stall"]
    words |= dict.fromkeys(FILE_CALLS, of_files)
    do = draw(st.sampled_from(words.get(on, ["EADDRINUSE", "EACCES"])))
    options: dict[str, Any] = {}
    if do == "stall":
        options["seconds"] = draw(st.floats(0.001, 1e6))
    if do == "short":
        options["bytes"] = draw(st.integers(1, 1 << 40))
    if draw(st.booleans()):
        counts_bytes = on in STREAMS or (on in TRANSFERS and draw(st.booleans()))
        options["after_bytes" if counts_bytes else "nth"] = draw(st.integers(1, 1 << 40))
    if on in FILE_CALLS:
        if draw(st.booleans()):
            options["path"] = "/out/**"
        return Fault(on, do, **options)
    if on != "resolve" and draw(st.booleans()):
        options["socket"] = draw(st.integers(1, 1 << 40))
    if on != "socket" and draw(st.booleans()):
        options["address"] = "db.example.com" if on == "resolve" else str(draw(st.ip_addresses()))
    return Fault(on, do, **options)


PLANS = st.lists(faults(), max_size=5).map(lambda found: FaultPlan(*found))


@given(PLANS)
def test_a_plan_survives_json_and_python(plan: FaultPlan) -> None:
    assert FaultPlan.parse(plan.to_json()) == plan
    assert eval(repr(plan), {"Fault": Fault, "FaultPlan": FaultPlan}) == plan
    assert list(plan) == list(plan.faults)
    assert len(plan) == len(plan.faults)


def test_a_plan_reads_well() -> None:
    plan = FaultPlan(Fault("connect", "ECONNREFUSED", nth=3), Fault("send", "stall", seconds=5, after_bytes=10))
    assert repr(plan) == (
        "FaultPlan(\n"
        "    Fault('connect', 'ECONNREFUSED', nth=3),\n"
        "    Fault('send', 'stall', after_bytes=10, seconds=5),\n"
        ")"
    )
    assert plan.to_json() == (
        "[\n"
        '  {"on": "connect", "do": "ECONNREFUSED", "nth": 3},\n'
        '  {"on": "send", "do": "stall", "after_bytes": 10, "seconds": 5}\n'
        "]"
    )
    assert (repr(FaultPlan()), FaultPlan().to_json()) == ("FaultPlan()", "[]")


def test_addresses_are_compared_in_one_form() -> None:
    assert Fault("connect", "EIO", address="[0:0::1]:80").address == "[::1]:80"
    assert Fault("connect", "EIO", address="0:0::1").address == "::1"
    assert Fault("resolve", "EAI_FAIL", address="DB").address == "db"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("dance", "EIO"), "on: expected one of socket, bind, "),
        (("connect", "ECONFUSED"), "do: expected stall, an errno such as ECONNRESET"),
        (("connect", "short"), "do: expected stall, an errno such as ECONNRESET"),
        (("receive", "EWOULDBLOCK"), "do: expected stall, short, an errno such as ECONNRESET"),
        (("receive", "EAGAIN"), "do: expected stall, short, an errno such as ECONNRESET"),
        (("resolve", "ECONNRESET"), "do: expected stall, EAI_NONAME or EAI_AGAIN or EAI_FAIL"),
        (("connect", 5), "do: expected stall"),
    ],
)
def test_a_fault_that_does_not_exist_is_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Fault(*arguments)
    assert str(caught.value).startswith(f"{_written(*arguments)}: {complaint}")


@pytest.mark.parametrize(
    ("on", "do", "options", "complaint"),
    [
        ("connect", "EIO", {"nth": 0}, "nth: expected a whole number, 1 or more"),
        ("connect", "EIO", {"nth": True}, "nth: expected a whole number, 1 or more"),
        ("connect", "EIO", {"after_bytes": 1}, "after_bytes: has no meaning here: use nth"),
        ("receive", "EIO", {"nth": 1}, "nth: has no meaning here: use after_bytes"),
        ("receive", "EIO", {"after_bytes": -1}, "after_bytes: expected a whole number, 0 or more"),
        ("receive", "short", {}, "bytes: expected a whole number, 1 or more"),
        ("receive", "EIO", {"bytes": 1}, "bytes: has no meaning here"),
        ("receive", "stall", {}, "seconds: expected a number, more than 0"),
        ("receive", "stall", {"seconds": 0}, "seconds: expected a number, more than 0"),
        ("receive", "stall", {"seconds": float("inf")}, "seconds: expected a number, more than 0"),
        ("receive", "EIO", {"seconds": 1}, "seconds: has no meaning here"),
        ("resolve", "EAI_FAIL", {"socket": 1}, "socket: has no meaning here"),
        ("socket", "EMFILE", {"address": "::1"}, "address: has no meaning here"),
        ("connect", "EIO", {"address": "localhost:80"}, "address: expected an IP address or IP:PORT"),
        ("connect", "EIO", {"address": "127.0.0.1:65536"}, "address: expected an IP address or IP:PORT"),
        ("connect", "EIO", {"address": "127.0.0.1:"}, "address: expected an IP address or IP:PORT"),
        ("connect", "EIO", {"address": ""}, "address: expected a text"),
        ("connect", "EIO", {"address": 5}, "address: expected a text"),
        ("connect", "EIO", {"path": "/x"}, "path: has no meaning here"),
        ("file-read", "EIO", {"path": "x"}, "path: expected a pattern such as /out/**"),
        ("file-read", "EIO", {"address": "::1"}, "address: has no meaning here"),
        ("file-read", "EIO", {"socket": 1}, "socket: has no meaning here"),
        ("file-read", "EIO", {"nth": 1, "after_bytes": 1}, "nth: not together with after_bytes"),
        ("file-open", "EIO", {"after_bytes": 1}, "after_bytes: has no meaning here: use nth"),
    ],
)
def test_a_bad_field_of_a_fault_is_named(on: Any, do: str, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Fault(on, do, **options)
    assert str(caught.value).startswith(f"{_written(on, do, **options)}: {complaint}")


def _written(on: object, do: object, **options: object) -> str:
    return f"Fault({on!r}, {do!r}{''.join(f', {name}={value!r}' for name, value in options.items())})"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the plan is not JSON: "),
        ("[" * 100_000, "the plan is not JSON: "),
        (f"[{'9' * 5001}]", "the plan is not JSON: "),
        ("{}", "the plan: expected an array of faults, got {}"),
        ("[1]", "fault 1 of the plan: expected an object with the fields on and do, got 1"),
        ('[{"on": "connect"}]', "fault 1 of the plan: expected an object with the fields on and do"),
        (
            '[{"on": "connect", "do": "EIO"}, {"on": "connect", "do": "EIO", "times": 3}]',
            "fault 2 of the plan: unknown fields times; expected on, do, nth, ",
        ),
        ('[{"on": "connect", "do": "EIO", "nth": 0}]', "fault 1 of the plan: Fault('connect', 'EIO', nth=0): nth: "),
    ],
)
def test_a_bad_plan_names_the_entry(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        FaultPlan.parse(text)
    assert str(caught.value).startswith(complaint)


def test_a_plan_is_made_of_faults() -> None:
    with pytest.raises(ConfigError, match="fault 2 of the plan: expected a Fault, got 'drop'"):
        FaultPlan(Fault("accept", "drop"), "drop")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"rate": 2}, "rate: expected a number from 0 to 1, got 2"),
        ({"rate": "often"}, "rate: expected a number from 0 to 1, got 'often'"),
        ({"stall_s": 0}, "stall_s: expected a number, more than 0 and at most 1e9, got 0"),
        ({"on": ["dance"]}, "on: expected some of socket, "),
        ({"do": ["explode"]}, "do: expected some of EADDRINUSE, "),
    ],
)
def test_bad_chances_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RandomFaults(1, **options)
    assert str(caught.value).startswith(complaint)
