"""A component that runs: engine and memories, the linking of providers, the loop that polls, calls and streams."""
