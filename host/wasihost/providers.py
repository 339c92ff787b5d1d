"""Ready providers of interfaces that guests of cloud hosts import: `wasi:config`, `wasi:keyvalue` and `wasi:logging`.

Host(providers={**config({"greeting": "hello"}), **keyvalue({"default": {}}), **logging()})
"""

from wasihost._base.public import publish as _publish
from wasihost._providers.config import config
from wasihost._providers.keyvalue import keyvalue
from wasihost._providers.logging import logging
from wasihost._providers.sqlite import SqliteBucket

__all__ = ["SqliteBucket", "config", "keyvalue", "logging"]

_publish(globals())
