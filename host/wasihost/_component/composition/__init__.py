"""The parts generated around a guest: the adapter and driver components, as WebAssembly text, and the whole."""
