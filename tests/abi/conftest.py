"""What every test of values and calls shares."""

from tests.states import states_follow_their_tables

__all__ = ["states_follow_their_tables"]
