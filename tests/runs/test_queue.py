"""The queue: whatever is added, taken and put back, everybody has a turn and nothing is lost or doubled."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from gradleak_core.runs.jobs import Job, Queue

PEOPLE = st.sampled_from([None, "ada", "bob", "cleo", "dan"])
ADDED, BACK, FIRST, TAKEN = "added", "put back", "put first", "taken"
STEPS = st.lists(
    st.one_of(st.tuples(st.just(ADDED), PEOPLE), st.tuples(st.sampled_from([BACK, FIRST, TAKEN, TAKEN]), st.none())),
    max_size=80,
)
NUMBERS = count()


def job(owner: str | None) -> Job:
    return Job({f"run {next(NUMBERS)}": {}}, owner=owner)


def waiting(queue: Queue) -> set[str | None]:
    return {one.owner for one in queue.order()}


def play(queue: Queue, steps: list[tuple[str, str | None]]) -> tuple[list[Job], list[Job]]:
    """Every job that was added, and those that were taken last and are with a worker."""
    added, given_out = [], []
    for what, owner in steps:
        if what == ADDED:
            added.append(job(owner))
            queue.add(added[-1])
        elif what == TAKEN:
            given_out += [taken] if (taken := queue.take()) else []
        elif given_out:
            (queue.add if what == BACK else queue.put_first)(given_out.pop())
    return added, given_out


@given(STEPS)
def test_nothing_is_lost_or_doubled_and_the_order_is_as_foretold(steps: list[tuple[str, str | None]]) -> None:
    queue = Queue()
    added, given_out = play(queue, steps)
    foretold = queue.order()
    assert len(queue) == len(foretold)
    drained = list(iter(queue.take, None))
    assert drained == foretold
    assert sorted(map(id, [*drained, *given_out])) == sorted(map(id, added))


@given(STEPS)
def test_the_jobs_of_one_person_go_in_order(steps: list[tuple[str, str | None]]) -> None:
    queue = Queue()
    added, given_out = play(queue, [step for step in steps if step[0] in (ADDED, TAKEN)])
    taken = [*given_out, *iter(queue.take, None)]
    for owner in {one.owner for one in added}:
        assert [one for one in taken if one.owner == owner] == [one for one in added if one.owner == owner]


@given(STEPS)
def test_between_two_jobs_of_a_person_everybody_else_who_waits_has_a_turn(steps: list[tuple[str, str | None]]) -> None:
    queue = Queue()
    given_out: list[Job] = []
    owed: dict[str | None, set[str | None]] = {}
    """Those who must have a turn before this person has another."""
    served: str | None = None
    for what, owner in [*steps, *[(TAKEN, None)] * len(steps)]:
        before = waiting(queue)
        if what == ADDED:
            queue.add(job(owner))
        elif what == BACK and given_out:
            queue.add(given_out.pop())
        elif what == TAKEN and (taken := queue.take()):
            given_out.append(taken)
            served = taken.owner
            assert not owed.get(served), f"{served} had a second turn before {owed[served]}"
            owed[served] = before - {served}
            for others in owed.values():
                others.discard(served)
            continue
        if served in owed:  # who comes while the last job is computed goes before the next one of its person
            owed[served] |= waiting(queue) - before - {served}


def test_fifty_runs_of_one_person_do_not_hold_up_the_first_of_another() -> None:
    queue = Queue()
    for _ in range(50):
        queue.add(job("ada"))
    queue.take()
    for owner in ("bob", "bob", "cleo"):
        queue.add(job(owner))
    assert [one.owner for one in queue.order()[:6]] == ["bob", "cleo", "ada", "bob", "ada", "ada"]


def test_whoever_comes_cannot_keep_a_person_from_the_next_turn() -> None:
    queue = Queue()
    for _ in range(2):
        queue.add(job("ada"))
    queue.take()
    queue.add(job("bob"))
    queue.take()
    for number in range(20):
        queue.add(job(f"stranger {number}"))
    taken = queue.take()
    assert taken is not None
    assert taken.owner == "ada"


def test_without_people_it_is_first_come_first_served() -> None:
    queue = Queue()
    jobs = [job(None) for _ in range(4)]
    for one in jobs:
        queue.add(one)
    assert queue.take() is jobs[0]
    queue.add(jobs[0])
    assert queue.order() == [*jobs[1:], jobs[0]]
