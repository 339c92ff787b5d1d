"""All that passed between guests and the outside world: `events`, the `Recording` of them, `RecordingNetwork`."""

from wasihost._recording.network import RecordingNetwork
from wasihost._recording.recording import Recorder, Recording

__all__ = ["Recorder", "Recording", "RecordingNetwork"]
