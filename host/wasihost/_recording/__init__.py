"""All that passed between guests and the outside world: `events`, the `Recording` of them, `RecordingNetwork`."""

from wasihost._recording.network import RecordingNetwork
from wasihost._recording.recording import Observed, Recorder, Recording

__all__ = ["Observed", "Recorder", "Recording", "RecordingNetwork"]
