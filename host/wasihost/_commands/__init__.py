"""The command line: `cli` is its head; `run`, `inspect`, `stubs` and `convert` are commands, each with its options."""
