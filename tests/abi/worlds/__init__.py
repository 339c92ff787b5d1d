"""Worlds that Hypothesis makes, sent through a guest that is generated for each; see `world.py`."""
