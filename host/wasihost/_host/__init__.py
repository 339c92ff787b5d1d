"""The classes for users: `Host`, pools, and the parts for an engine, store and linker of their own."""
