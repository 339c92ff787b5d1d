"""What `wasihost run`, `inspect`, `stubs` and `convert` are made of; `wasihost._commands.cli` has the command line."""
