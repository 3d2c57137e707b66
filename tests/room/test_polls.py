"""Predict, vote, reveal: who may vote for what and when, what nobody sees before, and what came true."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gradleak_core.room.polls import Poll, ask_room, judge_poll, load_poll, save_poll
from gradleak_core.types import Refused
from tests.room.seeing import see


def result(**changed: Any) -> Any:
    usual = {"status": "done", "seconds_to_recognisable": 1.4, "iterations_to_recognisable": 37,
             "iterations": 90, "seconds": 3.0,
             "metrics": {"likeness": 0.95}, "clearest": {"likeness": 0.96, "iteration": 40}}  # fmt: skip
    return usual | changed


def hidden(likeness: float = 0.1) -> Any:
    never = {"seconds_to_recognisable": None, "iterations_to_recognisable": None}
    return result(**never, metrics={"likeness": likeness}, clearest={"likeness": likeness, "iteration": 9})


def leaks() -> Poll:
    return ask_room("leaks")


def test_a_vote_counts_once_however_often_it_is_sent() -> None:
    poll = leaks()
    for _ in range(5):
        poll.vote("anna", 0)
    poll.vote("ben", 1)
    poll.vote("anna", 1)
    poll.reveal([1])
    assert see(poll, "anna")["counts"] == [0, 2]


@pytest.mark.parametrize("option", [-1, 2, 1.0, True, "1", None, [1], {"a": 1}])
def test_an_option_that_does_not_exist_is_refused(option: Any) -> None:
    poll = leaks()
    with pytest.raises(Refused, match="no such option"):
        poll.vote("anna", option)
    assert poll.votes == {}


def test_a_closed_vote_stays_as_it_is() -> None:
    poll = leaks()
    poll.vote("anna", 0)
    poll.close()
    for _ in range(2):
        with pytest.raises(Refused, match="closed"):
            poll.vote("anna", 1)
        poll.close()
    poll.reveal([0])
    poll.close()
    with pytest.raises(Refused, match="closed"):
        poll.vote("ben", 1)
    assert see(poll, "ben")["counts"] == [1, 0]
    assert poll.state == "revealed"


@pytest.mark.parametrize("state", ["open", "closed"])
def test_nobody_sees_the_votes_or_the_answer_before_the_reveal(state: str) -> None:
    """The host neither, and what is shown of others does not change with how they vote."""
    first, second = (ask_room("own", question="Which?", options=["red", "blue"], right=at) for at in (0, 1))
    second.id = first.id
    for poll, vote in ((first, 0), (second, 1)):
        poll.vote("anna", 1)
        poll.vote("ben", vote)
        poll.outcome = "what came out"
        if state == "closed":
            poll.close()
    for asker in ("anna", "host", None):
        assert see(first, asker) == see(second, asker)
    assert see(first, "anna")["mine"] == 1
    assert see(first, "host")["mine"] is None
    assert see(first, "host")["voted"] == 2


def test_after_the_reveal_everybody_sees_the_votes_beside_the_outcome() -> None:
    poll = leaks()
    poll.vote("anna", 0)
    poll.reveal(*judge_poll(poll, [result()]))
    seen = see(poll, "ben")
    assert (seen["counts"], seen["right"], seen["mine"]) == ([1, 0], [0], None)
    assert seen["outcome"] == {"text": "Recognisable after {seconds} s.", "values": {"seconds": "1.4"}}
    assert "votes" not in seen
    assert "anna" not in json.dumps(seen)


@pytest.mark.parametrize(
    ("seconds", "option"), [(0.4, 0), (1.0, 1), (1.9, 1), (2.0, 2), (7.0, 3), (10.0, 4), (99.0, 4), (None, 5)]
)
def test_the_seconds_fall_into_one_option_each(seconds: float | None, option: int) -> None:
    poll = ask_room("seconds")
    assert len(poll.options) == 6
    assert judge_poll(poll, [result(seconds_to_recognisable=seconds)])[0] == [option]


def test_a_picture_that_was_recognisable_and_faded_has_leaked() -> None:
    assert judge_poll(leaks(), [result(metrics={"likeness": 0.2})])[0] == [0]
    assert judge_poll(leaks(), [hidden(0.4)])[0] == [1]


@pytest.mark.parametrize("nothing", [[], [None], [{}], [hidden() | {"status": "stopped"}], [result(), result()]])
def test_a_run_that_says_nothing_answers_no_question(nothing: Any) -> None:
    with pytest.raises(Refused, match="without one"):
        judge_poll(leaks(), nothing)


def test_a_run_stopped_after_it_was_recognisable_has_leaked() -> None:
    assert judge_poll(leaks(), [result(status="stopped")])[0] == [0]


def test_the_lane_whose_clearest_guess_is_least_like_the_picture_hides_it_best() -> None:
    poll = ask_room("hides", lanes=["noise", "pruning", "sign"])
    late = hidden(0.1) | {"clearest": {"likeness": 0.9, "iteration": 3}}
    assert judge_poll(poll, [late, hidden(0.3), result()])[0] == [1]


def test_lanes_that_are_written_alike_share_the_first_place() -> None:
    poll = ask_room("hides", lanes=["noise", "pruning", "sign"])
    best, says = judge_poll(poll, [hidden(0.1201), hidden(0.5), hidden(0.1199)])
    assert best == [0, 2]
    assert says["values"]["lanes"] == "noise; sign"


def test_a_lane_that_came_to_nothing_wins_nothing() -> None:
    poll = ask_room("hides", lanes=["noise", "pruning", "sign"])
    assert judge_poll(poll, [None, hidden(0.5), hidden(0.6)])[0] == [1]


@pytest.mark.parametrize("kind", ["hides", "first"])
def test_a_lane_that_was_stopped_and_might_still_win_leaves_the_question_open(kind: str) -> None:
    poll = ask_room(kind, lanes=["noise", "pruning", "sign"])
    stopped = hidden(0.2) | {"status": "stopped", "iterations": 20, "seconds": 0.8}
    for lanes in ([stopped, result(), result()], [stopped, stopped, stopped], [hidden(0.3), None, stopped]):
        with pytest.raises(Refused, match="without one"):
            judge_poll(poll, lanes)


def test_a_lane_that_was_stopped_too_late_to_win_changes_nothing() -> None:
    lanes = ["noise", "pruning", "sign"]
    late = result(status="stopped", seconds_to_recognisable=2.0, iterations_to_recognisable=60)
    assert judge_poll(ask_room("hides", lanes=lanes), [late, hidden(0.3), result()])[0] == [1]
    beaten = hidden(0.2) | {"status": "stopped", "iterations": 60, "seconds": 2.0}
    for by in ("iterations", "seconds"):
        assert judge_poll(ask_room("first", lanes=lanes), [beaten, result(), late], by)[0] == [1]


def test_the_first_lane_by_the_clock_of_the_race() -> None:
    poll = ask_room("first", lanes=["dlg", "idlg", "sapag"])
    lanes = [
        result(iterations_to_recognisable=50, seconds_to_recognisable=0.5),
        result(iterations_to_recognisable=20, seconds_to_recognisable=0.9),
        result(iterations_to_recognisable=20, seconds_to_recognisable=0.52),
    ]
    assert judge_poll(poll, lanes)[0] == [1, 2]
    assert judge_poll(poll, lanes, "seconds")[0] == [0, 2]
    assert judge_poll(poll, [hidden(), hidden(), None])[0] == [3]
    assert poll.options[3]["text"] == "None of them"


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "guess"}, {"kind": None}, {"kind": ["leaks"]}, {"kind": "own"}, {"kind": "own", "question": "Why?"},
        {"kind": "own", "question": "Why?", "options": ["a"]}, {"kind": "own", "question": "", "options": ["a", "b"]},
        {"kind": "own", "question": "Why?", "options": ["a", "a "]},
        {"kind": "own", "question": "Why?", "options": "ab"},
        {"kind": "own", "question": "Why?", "options": ["a", 3]}, {"kind": "own", "question": 7, "options": ["a", "b"]},
        {"kind": "own", "question": "Why?", "options": list("abcdefghi")},
        {"kind": "own", "question": "x" * 201, "options": ["a", "b"]},
        {"kind": "own", "question": "Why?", "options": ["a", "b" * 61]},
        {"kind": "own", "question": "Why?", "options": ["a", "b"], "right": 2},
        {"kind": "own", "question": "Why?", "options": ["a", "b"], "right": True},
        {"kind": "hides"}, {"kind": "hides", "lanes": ["one"]}, {"kind": "first", "lanes": list("abcdefghi")},
        {"kind": "seconds", "bounds": []}, {"kind": "seconds", "bounds": [2, 1]}, {"kind": "seconds", "bounds": [1, 1]},
        {"kind": "seconds", "bounds": ["1"]}, {"kind": "seconds", "bounds": 5}, {"kind": "seconds", "bounds": [0]},
        {"kind": "seconds", "bounds": [1, 2, 3, 4, 5, 6, 7]}, {"kind": "seconds", "bounds": [float("nan")]},
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_asked_is_refused_in_one_sentence(asked: Any) -> None:
    with pytest.raises(Refused) as refused:
        ask_room(asked.pop("kind"), **asked)
    assert str(refused.value).endswith(".")


def test_an_own_question_knows_its_right_option_or_none() -> None:
    known = ask_room("own", question=" Which \n one? ", options=["a", "b"], right=1)
    assert known.question == {"text": "Which one?", "values": {}}
    known.vote("anna", 1)
    known.vote("ben", 0)
    known.reveal(None)
    assert known.points() == {"anna": True, "ben": False}
    open_ended = ask_room("own", question="Which?", options=["a", "b"])
    open_ended.vote("anna", 1)
    open_ended.reveal(None)
    assert open_ended.points() == {"anna": None}


def test_a_poll_survives_a_restart() -> None:
    poll = ask_room("seconds", bounds=[1, 2.5])
    poll.vote("anna", 1)
    poll.close()
    assert load_poll(json.loads(json.dumps(save_poll(poll)))) == poll
