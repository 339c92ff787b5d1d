"""`write_report`: what a real browser shows of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from tests.guests.harness import Guest
from tests.pictures.browser import Browser, browser
from tests.pictures.stories import SERVER, Story, Talk, address
from tests.tools import needs
from wasihost._recording import Recording, events
from wasihost._recording.pictures import write_report

pytestmark = needs("chromedriver")
HOSTILE = (
    "</title></style></script><script>document.title='taken'</script><img src=http://192.0.2.1/>\"'><b>&amp;"
    "\x1b[31m\x00\u202e{{ 7 * 7 }}"
)
Show = Callable[[Story], Browser]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def show(shared: Browser, tmp_path: Path) -> Show:
    """Opens the page of a recording; it must load nothing, and its script must not fail."""

    def show(story: Story) -> Browser:
        write_report(story.recording, tmp_path / "run.html")
        shared.show(tmp_path / "run.html")
        return shared

    return show


def run() -> Story:
    """A bit of everything."""
    story = Story()
    story.add(events.GuestStarted, "guest.wasm", ("guest.wasm", "one"), 7)
    story.add(events.Resolved, "db.example", (ip_address("10.0.0.1"), ip_address("::1")), None)
    story.add(events.Resolved, "nowhere.example", (), "EAI_NONAME")
    story.add(events.Decided, "tcp-connect", SERVER, ("db.example",), True, "tcp://db.example:*")
    for _ in range(3):
        story.add(events.Decided, "udp-connect", address("10.9.9.9", 53), (), False, "nothing allows it")
    Talk(story).open().send(0, b"x" * 2048).send(1, b"y" * 100).finish(0).close()
    Talk(story).open().send(0, b"x").reset(1)
    refused = Talk(story, server=address("10.0.0.5", 1)).ask()
    refused.tell(0, events.Failed, "finish_connect", "ECONNREFUSED", address("10.0.0.5", 1))
    refused.close()
    listening = story.socket()
    story.add(events.Created, listening, "tcp", 4)
    story.add(events.Listening, listening, 128, address("127.0.0.1", 80))
    sender = story.datagram_socket(address("127.0.0.1", 9))
    story.add(events.DatagramSent, sender, b"ping", address("127.0.0.1", 10))
    story.add(events.DatagramReceived, sender, b"pong", address("127.0.0.1", 11))
    story.add(events.HostCall, "wasi:sockets/types@0.3.0#[method]tcp-socket.bind", 1500, None)
    story.add(events.HostCall, "wasi:sockets/types@0.3.0#[method]tcp-socket.bind", 500, "access-denied")
    story.add(events.Wrote, "stdout", b"Hello\n")
    story.add(events.Wrote, "stderr", b"oh \xff\n")
    story.add(events.GuestEnded, 1, None)
    return story


def test_every_socket_has_a_lane_with_its_states_bytes_and_end(show: Show) -> None:
    page = show(run())
    assert page.texts("#sockets th, #sockets td:not(.track, .number, .end)") == [
        *("#1", "client", "198.51.100.7:7000", "192.0.2.1:40000"),
        *("#2", "client", "198.51.100.7:7000", "192.0.2.1:40000"),
        *("#3", "client", "10.0.0.5:1", "192.0.2.1:40000"),
        *("#4", "listening", "", "127.0.0.1:80"),
        *("#5", "udp", "2 peers", "127.0.0.1:9"),
    ]
    assert page.texts("#sockets tr:nth-child(1) td.number") == ["2.00 KiB", "100 B", "6.00 µs"]
    ends = ["closed", "reset by the peer", "ECONNREFUSED", "open at the end", "open at the end"]
    assert page.texts("#sockets td.end") == ends
    script = """return [...document.querySelectorAll("#sockets tr")].map(
        row => [...row.querySelectorAll("rect, path")].map(one => one.getAttribute("class")))"""
    states = ["connecting", "open"]
    assert page.driver.execute_script(script) == [
        [*states, "half-closed", "end"],
        [*states, "trouble"],
        ["connecting", "trouble"],
        ["listening", "end"],
        ["open", "end"],
    ]


def test_a_lane_lies_on_the_time_axis_where_the_socket_lived(show: Show) -> None:
    story = Story()
    story.add(events.GuestStarted, "guest.wasm", (), None)
    for _ in range(4):
        story.add(events.HostCall, "f", 0, None)
    Talk(story).open().close()  # from 5 to 8 µs, open from 7 µs
    story.add(events.GuestEnded, 0, None)
    story.add(events.GuestEnded, 0, None)
    page = show(story)
    script = """const track = document.querySelector("#sockets .track").getBoundingClientRect();
        const open = document.querySelector("#sockets rect.open").getBoundingClientRect();
        return [(open.left - track.left) / track.width, (open.right - track.left) / track.width]"""
    assert page.driver.execute_script(script) == pytest.approx([7 / 10, 8 / 10], abs=0.01)


def test_totals_are_those_of_the_recording(show: Show) -> None:
    page = show(run())
    facts = dict(zip(page.texts(".facts dt"), page.texts(".facts dd"), strict=True))
    del facts["duration"]
    assert facts == {
        "sockets": "5",
        "sent": "2.00 KiB",
        "received": "104 B",
        "host calls": "2",
        "refused": "3",
        "sockets in trouble": "2",
    }


def test_refusals_stand_at_the_top_with_their_rule(show: Show) -> None:
    assert show(run()).texts(".refused li") == ["udp-connect 10.9.9.9:53, 3 times: nothing allows it"]


def test_decisions_lookups_and_calls_are_listed(show: Show) -> None:
    page = show(run())
    assert page.texts("#policy + .wide tbody td:not(:first-child)") == [
        *("refused", "udp-connect", "10.9.9.9:53", "nothing allows it", "3"),
        *("allowed", "tcp-connect", "198.51.100.7:7000 (db.example)", "tcp://db.example:*", "1"),
    ]
    assert page.texts("#names + .wide tbody td:not(:first-child)") == [
        *("db.example", "10.0.0.1, ::1", "1"),
        *("nowhere.example", "EAI_NONAME", "1"),
    ]
    calls = ["wasi:sockets/types tcp-socket.bind", "2", "2.00 µs", "1.50 µs", "access-denied"]
    assert page.texts("#calls + .wide tbody td") == calls


def test_what_the_guest_wrote_and_how_it_ended_is_shown(show: Show) -> None:
    page = show(run())
    assert page.texts("pre") == ["oh \\xff", "Hello"]
    assert page.texts("#guests + .wide tbody td")[1:4] == ["guest.wasm", "guest.wasm one", "7"]
    assert page.texts("#guests + .wide tbody td")[-1] == "exit code 1"


def test_the_filter_hides_the_other_sockets(show: Show) -> None:
    page = show(run())
    page.driver.find_element("id", "filter").send_keys("10.0.0.5")
    assert page.texts("#sockets th") == ["#3"]
    assert page.texts("#shown") == ["1 of 5"]
    page.driver.find_element("id", "filter").clear()
    page.driver.find_element("id", "only-trouble").click()
    assert page.texts("#sockets th") == ["#2", "#3"]


def test_all_but_the_filter_works_without_scripts(show: Show, shared: Browser) -> None:
    shared.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page = show(run())
        shared.command("Emulation.setScriptExecutionDisabled", value=False)
        assert len(page.texts("#sockets tr")) == 5
        assert page.texts("#filter") == []
    finally:
        shared.command("Emulation.setScriptExecutionDisabled", value=False)


def test_files_are_listed_with_what_was_done_with_them(show: Show) -> None:
    story = Story()
    story.add(events.DirectoryGiven, 1, "/data", False, "1:2")
    story.add(events.FileCalled, 1, "open", ("d/../a", "yes", "create", "write"), ("file", "2", "1:3"), None)
    story.add(events.FileRead, 2, 0, b"x" * 2048)
    story.add(events.FileWritten, 2, 0, b"abc")
    story.add(events.FileCalled, 2, "sync", ("yes",), (), None)
    story.add(events.FileCalled, 1, "open", ("b", "yes", "", "read"), (), "ENOENT")
    page = show(story)
    cells = page.texts("#files + .wide td")
    assert cells[:7] == ["/data", "1", "0", "0 B", "0 B", "0", ""]
    assert cells[7:14] == ["/data/a", "1", "1", "2.00 KiB", "3 B", "1", ""]
    assert cells[14:] == ["/data/b", "1", "0", "0 B", "0 B", "1", "open: ENOENT"]


def test_hostile_text_is_only_text(show: Show) -> None:
    story = Story()
    story.add(events.GuestStarted, HOSTILE, (HOSTILE, "\udcff"), None)
    story.add(events.Resolved, HOSTILE, (), HOSTILE)
    story.add(events.Decided, "resolve", None, (HOSTILE,), False, HOSTILE)
    story.add(events.HostCall, HOSTILE, 1, HOSTILE)
    talk = Talk(story).ask()
    talk.tell(0, events.Failed, "finish_connect", HOSTILE, None)
    story.add(events.FileCalled, 1, HOSTILE, (HOSTILE,), (), HOSTILE)
    story.add(events.DirectoryGiven, 2, HOSTILE, True, "1:2")
    story.add(events.Wrote, "stdout", HOSTILE.encode())
    story.add(events.GuestEnded, None, HOSTILE)
    page = show(story)
    assert page.driver.execute_script("return [document.scripts.length, document.images.length]") == [1, 0]
    assert page.driver.title != "taken"
    shown = HOSTILE.replace("\x1b", "\\x1b").replace("\0", "\\x00").replace("\u202e", "\\u202e")
    assert page.texts("pre") == [shown]
    assert page.texts(".refused code") == [f"resolve {shown}"]
    assert page.texts("#names + .wide td.name") == [shown]
    source = page.driver.execute_script("return document.documentElement.outerHTML")
    assert not {"\x1b", "\0", "\u202e"} & set(source)


def test_a_thousand_connections_are_shown_and_what_is_more_is_reported(show: Show) -> None:
    story = Story()
    for number in range(1100):
        Talk(story, address("127.0.0.1", 1024 + number)).open().send(0, b"x").close()
    refused = Talk(story).ask()
    refused.tell(0, events.Failed, "finish_connect", "ECONNREFUSED", SERVER)
    page = show(story)
    assert len(page.texts("#sockets tr")) == 1000
    assert page.texts("#sockets tr:last-child td.end") == ["ECONNREFUSED"]
    assert page.texts("#left-out")[0].startswith("101 more sockets are left out")
    assert page.texts("#sent") == ["1.07 KiB"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_a_screen_and_its_colours(show: Show, width: int, scheme: str) -> None:
    page = show(run())
    with page.sized(width, scheme):
        assert not page.is_too_wide()
        paper = page.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 31)"}[scheme]


def test_headings_tables_and_drawings_have_names(show: Show) -> None:
    page = show(run())
    script = """return [document.querySelectorAll("h1").length,
        [...document.querySelectorAll("svg[role=img]")].filter(one => !one.querySelector("title")).length,
        [...document.querySelectorAll("th")].filter(one => !one.scope).length, document.documentElement.lang]"""
    assert page.driver.execute_script(script) == [1, 0, 0, "en"]


def test_an_empty_recording_has_a_page(show: Show) -> None:
    assert show(Story()).texts("h1") == ["A recording without guests"]


def test_sections_of_which_there_is_nothing_are_left_out(show: Show) -> None:
    page = show(run())
    assert page.texts("nav a") == ["Guests", "Timeline", "Policy", "Names", "Host calls", "Output"]
    headings = ["Guests", "Timeline", "Decisions of the policy", "Names", "Host calls", "Output"]
    assert page.texts("main > h2") == headings


# ---- the timeline


BOXES = "return [...document.querySelectorAll(arguments[0])].map(one => one.getBoundingClientRect().toJSON())"


def _view(page: Browser) -> list[float]:
    """The part of the drawings of all sockets that is shown."""
    [shown] = {each.get_dom_attribute("viewBox") for each in page.driver.find_elements("css selector", ".socket")}
    return [*map(float, shown.split())]


def _axis(page: Browser) -> list[str]:
    return page.texts(".axis span")


def test_the_labels_of_the_axis_are_whole_and_apart(show: Show) -> None:
    story = Story()
    for _ in range(30):
        Talk(story).open().close()
    page = show(story)
    for width in (390, 700, 1400):
        with page.sized(width):
            [axis], labels = (page.driver.execute_script(BOXES, each) for each in (".axis div", ".axis span"))
        edges = sorted((label["left"], label["right"]) for label in labels)
        assert len(edges) >= 2
        assert edges[0][0] >= axis["left"] - 1
        assert edges[-1][1] <= axis["right"] + 1
        assert all(left[1] <= right[0] + 1 for left, right in itertools.pairwise(edges))


def test_it_zooms_in_and_out(show: Show) -> None:
    page = show(run())
    whole = _axis(page)
    page.driver.find_element("id", "in").click()
    assert _view(page) == [250, 0, 500, 20]
    assert _axis(page) != whole
    page.driver.find_element("id", "out").click()
    assert _axis(page) == whole
    assert not page.driver.find_element("id", "all").is_enabled()


def test_a_part_that_is_dragged_over_is_zoomed_to(show: Show) -> None:
    page = show(run())
    track = page.driver.find_element("css selector", "#sockets .track")
    quarter = track.size["width"] // 4
    ActionChains(page.driver).move_to_element_with_offset(track, -quarter, 0).click_and_hold().move_by_offset(
        2 * quarter, 0
    ).release().perform()
    assert _view(page) == pytest.approx([250, 0, 500, 20], abs=5)
    page.driver.find_element("id", "all").click()
    assert _view(page) == [0, 0, 1000, 20]


@pytest.mark.parametrize("width", [390, 1400])
def test_a_hundred_connections_are_no_tower(show: Show, width: int) -> None:
    story = Story()
    story.add(events.GuestStarted, "guest.wasm", (), None)
    for _ in range(100):
        Talk(story).open().send(0, b"x").close()
    page = show(story)
    with page.sized(width):
        assert page.driver.execute_script("return document.documentElement.scrollHeight") < 3000
    assert len(page.texts("#sockets tr")) == 100


def test_numbers_have_headings_also_on_a_phone(show: Show) -> None:
    page = show(run())
    heads = ["Socket", "Role", "Peer", "Local", "Sent", "Received", "Lasted", "End"]
    assert page.texts(".lanes thead th:not(.axis)") == heads
    script = """return [...document.querySelectorAll("#sockets tr:first-child .number")].map(
        one => getComputedStyle(one, "::before").content)"""
    with page.sized(390):
        assert page.driver.execute_script(script) == ['"sent "', '"received "', '"lasted "']


def test_a_healthy_connection_is_no_alarm(show: Show) -> None:
    story = Story()
    story.add(events.GuestStarted, "guest.wasm", (), None)
    talk = Talk(story).open().send(0, b"x").finish(0)
    talk.tell(0, events.Failed, "shutdown_read", "ENOTCONN", None)
    talk.close()
    story.add(events.HostCall, "wasi:sockets/types@0.3.0#[method]tcp-socket.get-hop-limit", 1, "not-supported")
    story.add(events.GuestEnded, 0, None)
    page = show(story)
    assert page.texts(".bad, .trouble") == []
    assert page.texts("#sockets td.end") == ["closed"]


def test_a_guest_on_real_sockets_has_a_page(shared: Browser, tmp_path: Path) -> None:
    recording = Recording()
    asyncio.run(Guest("rust-tcp-streams", recording=recording, env={"FAMILY": "ipv4"}).run_async())
    write_report(recording, tmp_path / "run.html")
    shared.show(tmp_path / "run.html")
    assert shared.texts("h1") == ["rust-tcp-streams.wasm"]
    assert len(shared.texts("#sockets tr")) == len(
        {one.socket for one in recording.events if isinstance(one, events.SocketEvent)}
    )


def test_the_same_recording_gives_the_same_page(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(run().recording, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
