"""Calls that the guest makes: providers, how they are linked, and how their results travel."""
