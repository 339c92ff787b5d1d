"""Streams and futures: the rings, the blocks of bytes, and a pump for each end."""
