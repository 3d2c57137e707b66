"""What completes a lesson, and what does not: a run that was stopped, one of another set-up, a page that was read."""

from __future__ import annotations

from typing import Any

import pytest

from gradleak_core.lessons.rules import COMPLETION_RULES, Attempt, Deed, Doings, attempt_of, judge, keeps_setup, seen_in

FIRST = {"images": ["sample:astronaut"]}
OTHER = {"images": ["sample:chelsea"]}
NEAR_COPY, RECOGNISABLE, OUTLINE, NOTHING = (Attempt(FIRST, "done", score) for score in (0.97, 0.7, 0.5, 0.1))
STOPPED, RUNNING = Attempt(FIRST, "stopped", 0.1), Attempt(FIRST, "running", None)


def runs(*attempts: Attempt) -> Doings:
    return Doings(runs=attempts)


def deed(name: str, **settings: str) -> Deed:
    return Deed(name, {**COMPLETION_RULES[name].settings, **settings})


DONE = [
    (deed("recognisable"), runs(RECOGNISABLE)),
    (deed("recognisable"), runs(NEAR_COPY, NOTHING)),
    (deed("recognisable"), runs(Attempt(FIRST, "stopped", 0.7))),
    (deed("recognisable", at="near_copy"), runs(NEAR_COPY)),
    (deed("hidden"), runs(NEAR_COPY, NOTHING)),
    (deed("hidden", below="recognisable"), runs(OUTLINE)),
    (deed("differ", **{"in": "images"}), runs(NOTHING, Attempt(OTHER, "done", 0.1))),
    (deed("race"), Doings(race=(NOTHING, NEAR_COPY))),
    (deed("label"), Doings(named=((3, 4), (2, 2)))),
]
UNDONE = [
    (deed("recognisable"), runs(OUTLINE), "the outline"),
    (deed("recognisable"), runs(NOTHING), "nothing of the picture"),
    (deed("recognisable", at="near_copy"), runs(RECOGNISABLE), "recognisable"),
    (deed("recognisable"), runs(RUNNING), ""),
    (deed("hidden"), runs(STOPPED), "go to its end"),
    (deed("hidden"), runs(Attempt(FIRST, "failed", None)), "go to its end"),
    (deed("hidden"), runs(Attempt(FIRST, "done", None)), "nothing of the picture"),
    (deed("hidden"), runs(NEAR_COPY), "near copy"),
    (deed("hidden"), runs(OUTLINE), "the outline"),
    (deed("differ"), runs(NOTHING), "change it"),
    (deed("differ"), runs(NOTHING, NEAR_COPY), "change it"),
    (deed("differ"), runs(NOTHING, Attempt(OTHER, "running", None)), "change it"),
    (deed("race"), Doings(race=(NEAR_COPY, RUNNING)), ""),
    (deed("race"), Doings(race=(NEAR_COPY, STOPPED)), "Let every lane"),
    (deed("label"), Doings(named=((3, 4),)), "not its label"),
]


@pytest.mark.parametrize(("asked", "doings"), DONE)
def test_what_completes_a_lesson(asked: Deed, doings: Doings) -> None:
    assert judge(asked, doings).done


@pytest.mark.parametrize(("asked", "doings", "said"), UNDONE)
def test_what_does_not_and_what_is_said_of_it(asked: Deed, doings: Doings, said: str) -> None:
    judgement = judge(asked, doings)
    assert not judgement.done
    assert (said in judgement.said) if said else not judgement.said


@pytest.mark.parametrize("name", COMPLETION_RULES)
def test_nothing_is_done_by_doing_nothing(name: str) -> None:
    judgement = judge(deed(name), Doings())
    assert (judgement.done, judgement.said) == (False, "")


def test_a_run_counts_by_its_clearest_guess() -> None:
    result = {"metrics": {"likeness": 0.2}, "clearest": {"likeness": 0.8, "iteration": 9}}
    assert attempt_of({"experiment": FIRST, "status": "done", "result": result}).likeness == 0.8
    assert attempt_of({"experiment": FIRST, "status": "queued", "result": None}).likeness is None
    assert [seen_in(score) for score in (None, 0.1, 0.4, 0.7, 0.95)] == [
        "nothing", "nothing", "outline", "recognisable", "near copy",
    ]  # fmt: skip


def test_only_what_is_free_may_differ(known: Any) -> None:
    default = known["experiment"]["default"]
    attack = default["attack"] | {"steps": 1}
    assert keeps_setup(default, default, known, lambda path: False)
    assert not keeps_setup(default | {"attack": attack}, default, known, lambda path: path == "images")
    assert keeps_setup(default | {"attack": attack}, default, known, lambda path: path.startswith("attack"))
    noise = known["families"]["defences"]["gaussian_noise"]["default"]
    assert keeps_setup(default | {"defences": [noise]}, default, known, lambda path: path == "defences")
    assert not keeps_setup(default | {"fork": "0123456789ab@4"}, default, known, lambda path: path == "defences")
