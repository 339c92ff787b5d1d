"""What users call: `Host`, pools, and the parts for an engine, store and linker of their own."""
