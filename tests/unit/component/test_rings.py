"""The rings on plain memory, with the test in the place of the adapter component."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import pytest

from wasihost._component.composition import protocol
from wasihost._component.composition.protocol import CANCELLED, COMPLETED, CONTINUED, DROPPED, Completion, Operation
from wasihost._component.running.streams.rings import Rings

Submission = tuple[Operation, int, int, int, int]


class Adapter:
    """The memory, and the adapter component's side of a turn."""

    def __init__(self) -> None:
        self.memory = memoryview(bytearray(protocol.HEAP))
        self.woken = 0
        self.rings = Rings(self.memory, self.wake)
        self.words = self.memory.cast("I")

    def wake(self) -> None:
        self.woken += 1

    def turn(self, *completions: tuple[int, int, int]) -> list[Submission]:
        """One turn with these completions; what was submitted."""
        flat = array("I", [word for completion in completions for word in completion])
        at = protocol.COMPLETIONS // 4
        self.words[at : at + len(flat)] = memoryview(flat)
        self.words[protocol.COMPLETED_COUNT // 4] = len(completions)
        self.rings.turn()
        count = self.words[protocol.SUBMITTED_COUNT // 4]
        at = protocol.SUBMISSIONS // 4
        found = self.words[at : at + count * protocol.SUBMISSION_WORDS].tolist()
        rows = [found[i : i + protocol.SUBMISSION_WORDS] for i in range(0, len(found), protocol.SUBMISSION_WORDS)]
        return [(Operation(op), kind, handle, a, b) for op, kind, handle, a, b in rows]


@pytest.fixture
def adapter() -> Adapter:
    return Adapter()


def done(end: int, code: int) -> tuple[int, int, int]:
    return Completion.DONE, end, code


def test_submissions_are_written_in_order(adapter: Adapter) -> None:
    adapter.rings.submit(Operation.COMPLETE, 0, 5)
    adapter.rings.submit(Operation.FREE, 1, 2, 3, 4)
    assert adapter.woken == 2
    assert adapter.turn() == [(Operation.COMPLETE, 0, 5, 0, 0), (Operation.FREE, 1, 2, 3, 4)]
    assert adapter.turn() == []


def test_submissions_beyond_the_ring_wait_for_the_next_turn(adapter: Adapter) -> None:
    for token in range(protocol.MAX_SUBMISSIONS + 10):
        adapter.rings.submit(Operation.COMPLETE, 0, token)
    assert [row[2] for row in adapter.turn()] == list(range(protocol.MAX_SUBMISSIONS))
    assert [row[2] for row in adapter.turn()] == list(range(protocol.MAX_SUBMISSIONS, protocol.MAX_SUBMISSIONS + 10))


def test_a_result_goes_to_whoever_began_the_operation(adapter: Adapter) -> None:
    found: list[tuple[int, int]] = []
    adapter.rings.begin(Operation.READ, 0, 7, 0, 0, lambda *copy: found.append(copy))
    assert adapter.rings.is_busy(7)
    adapter.turn()
    adapter.turn(done(7, 3 << 4))
    assert found == [(3, COMPLETED)]
    assert not adapter.rings.is_busy(7)


@pytest.mark.parametrize("outcome", [COMPLETED, DROPPED, CANCELLED, CONTINUED])
def test_a_result_is_a_count_and_an_outcome(adapter: Adapter, outcome: int) -> None:
    found: list[tuple[int, int]] = []
    adapter.rings.begin(Operation.WRITE_AND_ASK, 0, 7, 0, 0, lambda *copy: found.append(copy))
    adapter.turn()
    adapter.turn(done(7, outcome | 1 << 20 << 4))
    assert found == [(1 << 20, outcome)]


def test_what_a_callback_submits_is_carried_out_in_the_same_turn(adapter: Adapter) -> None:
    adapter.rings.begin(
        Operation.READ, 0, 7, 0, 0, lambda _count, _outcome: adapter.rings.submit(Operation.COMPLETE, 0, 9)
    )
    adapter.turn()
    assert adapter.turn(done(7, 0)) == [(Operation.COMPLETE, 0, 9, 0, 0)]


def test_an_operation_on_an_end_that_was_dropped_meanwhile_is_withdrawn(adapter: Adapter) -> None:
    found: list[tuple[int, int]] = []
    adapter.rings.open(7, lambda: None)
    adapter.rings.begin(Operation.WRITE, 0, 7, 0, 0, lambda *copy: found.append(copy))
    assert adapter.turn(done(7, DROPPED)) == []
    assert found == [(0, DROPPED)]


def test_a_drop_with_no_operation_under_way_is_reported(adapter: Adapter) -> None:
    told: list[str] = []
    adapter.rings.open(7, lambda: told.append("dropped"))
    adapter.turn(done(7, DROPPED))
    assert told == ["dropped"]


def test_nothing_is_told_of_an_end_that_we_dropped(adapter: Adapter) -> None:
    told: list[str] = []
    adapter.rings.open(7, lambda: told.append("dropped"))
    adapter.rings.drop(Operation.DROP_WRITABLE, 0, 7)
    assert adapter.turn(done(7, DROPPED)) == [(Operation.DROP_WRITABLE, 0, 7, 0, 0)]
    assert told == []


def test_a_cancel_waits_until_its_operation_has_begun(adapter: Adapter) -> None:
    found: list[tuple[int, int]] = []
    for end in range(protocol.MAX_SUBMISSIONS):
        adapter.rings.submit(Operation.COMPLETE, 0, 10_000 + end)
    adapter.rings.begin(Operation.READ, 0, 7, 0, 0, lambda *copy: found.append(copy))
    adapter.rings.cancel(Operation.CANCEL_READ, 0, 7)
    assert all(row[0] is Operation.COMPLETE for row in adapter.turn())
    rows = adapter.turn()
    assert rows[0][0] is Operation.READ
    rows += adapter.turn()
    assert rows[1:] == [(Operation.CANCEL_READ, 0, 7, 0, 0)]
    adapter.turn(done(7, CANCELLED))
    assert found == [(0, CANCELLED)]


def test_a_cancel_of_what_has_completed_is_forgotten(adapter: Adapter) -> None:
    adapter.rings.begin(Operation.READ, 0, 7, 0, 0, lambda *_: None)
    adapter.turn()
    adapter.rings.cancel(Operation.CANCEL_READ, 0, 7)
    assert adapter.turn(done(7, 1 << 4)) == []


def test_an_operation_is_cancelled_once(adapter: Adapter) -> None:
    adapter.rings.begin(Operation.READ, 0, 7, 0, 0, lambda *_: None)
    adapter.turn()
    adapter.rings.cancel(Operation.CANCEL_READ, 0, 7)
    adapter.rings.cancel(Operation.CANCEL_READ, 0, 7)
    rows = adapter.turn()
    adapter.rings.cancel(Operation.CANCEL_READ, 0, 7)
    assert rows + adapter.turn() == [(Operation.CANCEL_READ, 0, 7, 0, 0)]


def test_buffers_are_taken_once(adapter: Adapter) -> None:
    adapter.rings.begin(Operation.READ_VALUES, 0, 7, 8, 1, lambda *_: None)
    adapter.turn()
    adapter.turn((Completion.BUFFER, 7, 4096))
    assert (adapter.rings.take_buffer(7), adapter.rings.take_buffer(7)) == (4096, 0)


def test_a_turn_is_wanted_as_long_as_something_waits_for_it(adapter: Adapter) -> None:
    for token in range(protocol.MAX_SUBMISSIONS + 1):
        adapter.rings.submit(Operation.COMPLETE, 0, token)
    wanted = [adapter.rings.is_wanted, adapter.turn() and adapter.rings.is_wanted]
    adapter.turn()
    assert [*wanted, adapter.rings.is_wanted] == [True, True, False]


def test_a_round_is_wanted_for_commands(adapter: Adapter) -> None:
    adapter.rings.want_driver(True)
    assert adapter.rings.is_wanted


HAPPENINGS: list[Callable[[Adapter], object]] = [Adapter.turn, lambda adapter: adapter.rings.want_driver(True)]


@pytest.mark.parametrize("happens", HAPPENINGS)
def test_it_is_not_quiet_after_a_turn_or_a_command(adapter: Adapter, happens: Callable[[Adapter], object]) -> None:
    adapter.rings.is_quiet = True
    happens(adapter)
    assert not adapter.rings.is_quiet


def test_the_memory_map_does_not_overlap() -> None:
    completions_end = protocol.COMPLETIONS + 4 * protocol.COMPLETION_WORDS * protocol.MAX_COMPLETIONS
    submissions_end = protocol.SUBMISSIONS + 4 * protocol.SUBMISSION_WORDS * protocol.MAX_SUBMISSIONS
    assert protocol.TOKEN < protocol.PAIRS
    assert protocol.PAIRS + 8 * protocol.MAX_PAIRS <= protocol.COMPLETIONS
    assert completions_end <= protocol.SUBMISSIONS
    assert submissions_end <= protocol.BLOCKS
