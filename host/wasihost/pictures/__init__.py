"""Pictures of a recording: for Wireshark, as a page for the browser, and live on the terminal."""

from wasihost.pictures.pcapng import write_pcapng
from wasihost.pictures.report import write_report

__all__ = ["write_pcapng", "write_report"]
