"""`wasi:sockets`: the provider is `types.Types`; addresses, errors and states each have one file."""
