"""Calls of the guest's exports."""
