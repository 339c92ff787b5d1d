"""What every test of hostile guests shares."""

from tests.states import states_follow_their_tables

__all__ = ["states_follow_their_tables"]
