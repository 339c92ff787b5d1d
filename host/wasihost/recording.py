"""Recordings of all that passes between guests and the outside world: made, replayed, and shown."""

from wasihost._base.public import publish as _publish
from wasihost._host.replayed_files import ReplayFiles
from wasihost._recording import Recorder, Recording, RecordingNetwork, events
from wasihost._recording.pictures import Trace, write_pcapng, write_report
from wasihost._recording.replay import ReplayNetwork
from wasihost._recording.replay.http import ReplayHttp, replay_requests

__all__ = [
    "Recorder",
    "Recording",
    "RecordingNetwork",
    "ReplayFiles",
    "ReplayHttp",
    "ReplayNetwork",
    "Trace",
    "events",
    "replay_requests",
    "write_pcapng",
    "write_report",
]

_publish(globals())
