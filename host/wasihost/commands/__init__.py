"""What `wasihost run`, `inspect`, `stubs` and `convert` are made of; `wasihost.cli` has the command line."""
