"""What a run came to, in one sentence that never calls leaked what the eye denies."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from gradleak_core.attacks import RECIPES
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import CODEC, Experiment, Summary, run
from gradleak_core.types import ClientStep, Frame, Status
from gradleak_core.verdicts import SEEN, STATUSES, about, duration, recognisable, seen, verdict, write_likeness
from pages._parts import texts

ROOT = Path(__file__).parents[1]


def result(
    status: str, likeness: float | None, since: tuple[float, int] | None = None, **changes: Any
) -> dict[str, Any]:
    seconds, iterations = since or (None, None)
    return {
        "experiment": CODEC.encode(replace(Experiment(), **changes)),
        "status": status,
        "metrics": {} if likeness is None else {"ssim": 0.1, "likeness": likeness},
        "seconds_to_recognisable": seconds,
        "iterations_to_recognisable": iterations,
    }


NOISE = (DEFENCES["gaussian_noise"](),)
FEDAVG = ClientStep(local_epochs=5, lr=10.0)


def read_label(accuracy: float, rule: str) -> dict[str, Any]:
    """The result of a run that a defence stopped, whose attacker came to the label by this rule."""
    found = result("level", 0.1, defences=NOISE)
    found["experiment"]["attack"]["labels"] = {"kind": rule}
    return found | {"metrics": found["metrics"] | {"label_accuracy": accuracy}}


BORDER = SEEN["recognisable"]
SAID = [
    (result("done", 0.97, (1.31, 120)), "Recognisable after 1.3 s (120 iterations)."),
    (result("recovered", BORDER, (0.04, 1)), "Recognisable after 0.0 s (1 iteration)."),
    (result("stopped", 0.7, (75, 12_000)), "Recognisable after 1 min 15 s (12,000 iterations)."),
    (result("done", 0.59, (1.3, 120)), "Recognisable after 1.3 s (120 iterations), but the answer at the end is not."),
    (
        result("done", 0.97, (1.31, 120)) | {"forecast": 1.2, "forecast_made": 0.2},
        "Recognisable after 1.3 s (120 iterations), as forecast.",
    ),
    (
        result("done", 0.97, (1.31, 120)) | {"forecast": 3.04, "forecast_made": 0.2},
        "Recognisable after 1.3 s (120 iterations); the forecast was 3.0 s.",
    ),
    (read_label(1.0, "row_sum"), "The picture stayed hidden, but its label leaked."),
    (read_label(1.0, "known_labels"), "Not recognisable: the defence held against this run."),
    (read_label(1.0, "optimised_labels"), "Not recognisable: the defence held against this run."),
    (read_label(0.0, "row_sum"), "Not recognisable: the defence held against this run."),
    (result("done", 0.3), "Not recognisable: try more iterations, another attack or another seed."),
    (
        result("done", 0.3) | {"evidence": {"numbers": 11_208, "pixels": 12_288}},
        "Not recognisable: the update holds too few numbers.",
    ),
    (
        result("done", 0.3) | {"evidence": {"numbers": 12_288, "pixels": 12_288}},
        "Not recognisable: try more iterations, another attack or another seed.",
    ),
    (result("done", 0.3, defences=NOISE), "Not recognisable: the defence held against this run."),
    (
        result("recovered", 0.3),
        "Not recognisable, although the gradients match: other pictures cause the same update.",
    ),
    (
        result("stuck", 0.0),
        "No step ever brought a guess closer to the update; try another attack, another seed or a smaller step size.",
    ),
    (
        result("diverged", 0.0, client=FEDAVG),
        "No finite guess is left; lower the client's learning rate, which is 10, or try another attack.",
    ),
    (
        result("stopped", None),
        "Stopped before the picture was recognisable; what was seen is kept.",
    ),
]


@pytest.mark.parametrize(("found", "sentence"), SAID, ids=lambda value: value if isinstance(value, str) else "")
def test_every_end_has_its_sentence(found: dict[str, Any], sentence: str) -> None:
    assert verdict(found) == sentence


LIVE = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "assets" / "live").glob("*.js")}


def test_the_browser_says_the_same_words_and_draws_the_same_line() -> None:
    """The view is given both, and has none of its own."""
    for text in LIVE.values():
        assert not {row.word for row in STATUSES.values()} & set(re.findall(r'\w+: "([^"]*)"', text)) - {"Ready"}
        assert not [least for least in SEEN.values() if least and str(least) in text]


def test_what_is_written_draws_the_same_lines() -> None:
    explanation, readme = (
        (ROOT / page).read_text("utf-8") for page in ("assets/explanations/reading_the_view.md", "README.md")
    )
    written = {
        word.lower(): float(least) for word, least in re.findall(r"\*\*([A-Z][\w ]+)\*\*, from (0\.\d+)", explanation)
    }
    assert written | {"nothing": 0.0} == SEEN
    assert f"a likeness of at least {SEEN['recognisable']}" in readme


@pytest.mark.parametrize(
    ("metrics", "word"),
    [
        ({"likeness": 0.0, "ssim": 0.9}, "nothing"), ({"likeness": 0.35}, "outline"), ({"likeness": 0.93}, "near copy"),
        ({"likeness": BORDER}, "recognisable"), ({"likeness": BORDER - 0.001}, "outline"),
        ({"ssim": 0.6}, "recognisable"), ({"ssim": 0.59}, "not recognisable"), ({}, ""),
    ],
)  # fmt: skip
def test_a_guess_has_the_word_of_its_likeness_and_without_one_that_of_its_ssim(metrics: Any, word: str) -> None:
    assert seen(metrics) == word
    assert recognisable(metrics) is (word in ("recognisable", "near copy"))


def test_every_end_of_a_run_has_a_word_and_every_result_a_reason() -> None:
    assert set(get_args(Status)) <= set(STATUSES)
    assert {status for status, row in STATUSES.items() if row.reason} == {
        "done",
        "recovered",
        "certified",
        "level",
        "stuck",
        "diverged",
        "stopped",
    }


@pytest.mark.parametrize("status", ["done", "recovered"])
@pytest.mark.parametrize(("likeness", "colour"), [(BORDER, "green"), (BORDER - 0.01, "gray"), (None, "gray")])
def test_green_is_for_a_recognisable_picture_alone(status: str, likeness: float | None, colour: str) -> None:
    assert texts.colour({"status": status, "result": result(status, likeness)}) == colour


def test_a_guess_that_has_grown_worse_is_neither_green_nor_praised() -> None:
    faded = result("level", 0.7, (0.5, 20)) | {"clearest": {"likeness": 0.82, "iteration": 32}}
    assert texts.colour({"status": "level", "result": faded}) == "gray"
    assert verdict(faded).endswith("It was clearest at iteration 32 and has grown worse since.")
    kept = faded | {"clearest": {"likeness": 0.75, "iteration": 32}}
    assert texts.colour({"status": "level", "result": kept}) == "green"
    assert "worse" not in verdict(kept)


OUTLINES = [
    (read_label(1.0, "row_sum"), "Only an outline came through, but its label leaked."),
    (read_label(0.0, "row_sum"), "Only an outline came through the defence."),
    (result("done", 0.4), "Only an outline came through: try more iterations, another attack or another seed."),
]


@pytest.mark.parametrize(("found", "said"), OUTLINES)
def test_an_outline_is_no_picture_that_stayed_hidden(found: dict[str, Any], said: str) -> None:
    outline = found | {"metrics": found["metrics"] | {"likeness": 0.4}}
    assert verdict(outline) == said
    if found["experiment"]["defences"]:
        clearer = outline | {"clearest": {"likeness": 0.6, "iteration": 64}}
        assert verdict(clearer) == f"{said} It was clearest at iteration 64 and has grown worse since."


@pytest.mark.parametrize(("likeness", "shown"), [(0.56, True), (0.34, False)])
def test_an_outline_that_came_and_went_is_told(likeness: float, shown: bool) -> None:
    hidden = read_label(1.0, "row_sum") | {"clearest": {"likeness": likeness, "iteration": 1_055}}
    held = read_label(0.0, "row_sum") | {"clearest": {"likeness": likeness, "iteration": 1_055}}
    for found in (hidden, held):
        assert verdict(found).endswith(" An outline showed at iteration 1,055, and faded.") is shown


def test_a_fork_of_a_recognisable_guess_claims_no_speed() -> None:
    forked = result("done", 0.9, (0.04, 1))
    forked["experiment"] = forked["experiment"] | {"fork": "0123456789ab@40"}
    assert verdict(forked) == "Recognisable from the start: it goes on from a guess that was."


def test_a_run_without_a_result_keeps_its_colour() -> None:
    assert texts.colour({"status": "running", "result": None}) == "blue"
    assert texts.colour({"status": "failed", "result": None}) == "red"


def test_the_result_says_when_the_picture_was_first_recognisable() -> None:
    attack = replace(RECIPES["idlg"], steps=300)  # type: ignore[type-var]
    summary = Summary(Experiment(("sample:coin",), size=24, seed=77, attack=attack), "cpu")
    seen = []
    for event in run(summary.experiment, due=lambda iteration: iteration % 20 == 0):
        summary.add(event, 0.5)  # the forecast is made at this moment too
        seen += [event] if isinstance(event, Frame) else []
    first = next(frame.iteration for frame in seen if frame.metrics["likeness"] >= SEEN["recognisable"])
    assert summary.json()["iterations_to_recognisable"] == first
    assert summary.json()["verdict"] == f"Recognisable after 0.5 s ({first} iterations)."


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.7, "1 min 0 s"), (185, "3 min 5 s")]
)
def test_a_length_of_time_never_says_sixty_seconds(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("likeness", "said"),
    [
        (BORDER - 0.0001, f"{BORDER - 0.01:.2f}"),
        (BORDER, f"{BORDER:.2f}"),
        (0.29, "0.29"),
        (0.926, "0.92"),
        (0.9997, "1.00"),
        (1.0, "1.00"),
    ],
)
def test_a_likeness_reaches_no_border_that_its_word_has_not(likeness: float, said: str) -> None:
    assert write_likeness(likeness) == said


def test_a_length_of_time_that_is_not_known_exactly_is_told_in_one_unit() -> None:
    assert [about(seconds) for seconds in (4, 99, 100, 5940, 6000, 1.5e6)] == [
        *("4 s", "99 s", "2 min", "99 min", "2 h", "417 h")
    ]
