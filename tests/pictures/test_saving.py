"""`save`: formats by the name of the file, and what is missing for them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.pictures.stories import Story, Talk
from wasihost.errors import MissingExtraError
from wasihost.network.recording import Recording
from wasihost.pictures import save, write_pcapng, write_report


@pytest.fixture
def recording() -> Recording:
    story = Story()
    Talk(story).open().send(0, b"Hello").close()
    return story.recording


@pytest.mark.parametrize(
    ("name", "begin"),
    [("a.pcapng", b"\n\r\r\n"), ("a.HTML", b"<!DOCTYPE"), ("a.jsonl", b'{"format'), ("a", b'{"format')],
)
def test_the_name_of_a_file_says_its_format(recording: Recording, tmp_path: Path, name: str, begin: bytes) -> None:
    save(recording, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begin)


@pytest.mark.parametrize(
    ("module", "write", "extra"), [("scapy.utils", write_pcapng, "pcap"), ("jinja2", write_report, "report")]
)
def test_an_extra_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, recording: Recording, tmp_path: Path, module: str, write: object, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'wasihost\[{extra}\]'"):
        write(recording, tmp_path / "x")  # type: ignore[operator]


@pytest.mark.parametrize("name", ["a.pcapng", "a.html", "a.jsonl"])
def test_a_file_that_cannot_be_written_is_an_oserror(recording: Recording, tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        save(recording, tmp_path / "nowhere" / name)
