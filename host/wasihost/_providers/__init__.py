"""Ready providers for interfaces beside WASI's releases, which guests of cloud hosts import: `Host(providers=…)`.

`config`, `keyvalue` with its `drafts`, and `logging` bind a WIT package each. A bucket is any `MutableMapping`, within
the bounds of `buckets`; `sqlite` has one.
"""
