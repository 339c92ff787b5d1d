"""ASGI 3 in both directions: an application in Python as a `Handler`, and a handler as an application.

The specification: https://asgi.readthedocs.io/en/latest/specs/www.html. Scopes and messages are dictionaries, as there.
"""

from wasihost._http.asgi.application import Application
from wasihost._http.asgi.handler import AsgiHandler
from wasihost._http.asgi.types import App

__all__ = ["App", "Application", "AsgiHandler"]
