"""`wasi:config`: configuration values from a mapping."""

from __future__ import annotations

from collections.abc import Mapping

from wasihost._base.errors import ConfigError


def config(values: Mapping[str, str]) -> dict[str, object]:
    """Providers of `wasi:config/store`, for `Host(providers=…)`: guests read these values, as they are at that time.

    They are for every version of the interface. Errors: ConfigError for a value that is no text.
    """
    for name, value in values.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise ConfigError(f"config: expected texts by name, got {name!r}: {value!r}")
    return {"wasi:config/store": _Store(values)}


class _Store:
    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, key: str) -> str | None:
        """WIT: `get: func(key: string) -> result<option<string>, error>`."""
        return self._values.get(key)

    def get_all(self) -> list[tuple[str, str]]:
        """WIT: `get-all: func() -> result<list<tuple<string, string>>, error>`."""
        return [*self._values.items()]
