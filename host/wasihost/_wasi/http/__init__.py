"""The core of `wasi:http`: fields, messages and bodies as a guest has them, on `wasihost._http`."""
