"""A forecast is made once from a run's own first frames, or not at all, and scored afterwards."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import pytest

from gradleak_core.catalogue import catalogue
from gradleak_core.config.demand import estimate
from gradleak_core.config.links import from_query
from gradleak_core.forecast import FROM, PACE, RATED, Forecast, compare_forecast, foresee_span, time_before
from gradleak_core.types import JSON

FRAMES = [*range(1, 20), *range(20, 2000, 7)]


def follow(nearness: Callable[[int], float], *, steps: int = 10_000, pace: float = 0.01) -> tuple[Forecast, float]:
    """Plays frames of this course, and returns the forecast with the seconds that the run took."""
    forecast = Forecast(steps)
    for iteration in FRAMES:
        forecast.add(iteration, pace * iteration, nearness(iteration))
        if nearness(iteration) >= 1:
            return forecast, pace * iteration
    return forecast, float("inf")


@pytest.mark.parametrize("end", [40, 120, 300])
@pytest.mark.parametrize("power", [0.5, 1.0])
def test_courses_between_logarithm_and_line_are_foreseen_within_a_factor_of_two(end: int, power: float) -> None:
    def logarithmic(iteration: int) -> float:
        return log(iteration) / log(end)

    for course in (logarithmic, lambda iteration: (iteration / end) ** power):
        forecast, took = follow(course)
        assert forecast.seconds is not None
        assert took / 2 <= forecast.seconds <= 2 * took


def test_nothing_is_said_where_nothing_can_be_said() -> None:
    assert follow(lambda _: 0.9)[0].seconds is None, "nothing moves"
    assert follow(lambda iteration: 0.9 * FROM * iteration / 2000)[0].seconds is None, "it is far off"
    assert follow(lambda iteration: iteration / 230, steps=150)[0].seconds is None, "the iterations would not suffice"
    assert follow(lambda iteration: float(iteration > 3))[0].seconds is None, "it was there before anything was said"


def test_what_was_said_is_kept() -> None:
    forecast = Forecast(10_000)
    for iteration in range(1, 90):
        forecast.add(iteration, float(iteration), iteration / 100)
    said = forecast.seconds
    forecast.add(1000, 1000.0, 0.91)
    assert said == forecast.seconds == pytest.approx(100, rel=0.25)


def test_the_verdict_scores_the_forecast() -> None:
    assert compare_forecast(1.2, 0.3, 1.3) == ", as forecast"
    assert compare_forecast(2.0, 0.3, 1.3) == "; the forecast was 2.0 s"
    assert compare_forecast(40.0, 0.3, 1.3) == "; the forecast was 40 s"
    assert compare_forecast(None, None, 1.3) == ""


def test_a_forecast_that_came_too_late_to_be_read_is_not_scored() -> None:
    assert compare_forecast(1.2, 0.9, 1.3) == compare_forecast(40.0, 0.9, 1.3) == ""
    assert compare_forecast(1.2, None, 1.3) == "", "of a run of an older version"
    forecast, took = follow(lambda iteration: iteration / 300)
    assert forecast.made == pytest.approx(FROM * took, rel=0.1)


def result(seconds: float | None, **changes: object) -> dict[str, object]:
    experiment = {"images": ["a"], "seed": 1, "labels": None, "threads": 2, "size": 32} | changes
    return {"experiment": experiment, "seconds_to_recognisable": seconds}


def test_what_ran_here_before_counts_with_any_picture_and_seed_and_nothing_else() -> None:
    asked = {"images": ["b"], "seed": 9, "labels": [3], "threads": 0, "size": 32}
    alike = [result(1.0), result(2.0, seed=5), result(9.0, images=["c"])]
    others = [result(50.0, size=16), result(60.0, images=["a", "b"])]
    assert time_before(asked, [*alike, *others]) == 2.0
    assert time_before(asked, others) is None
    assert time_before(asked, [result(1.0), result(None), result(None)]) is None


def ran(asked: JSON, each: float, iterations: int = 40) -> JSON:
    return {"experiment": asked, "seconds": each * iterations, "iterations": iterations}


def test_how_long_a_run_may_take_is_the_pace_of_the_same_work_and_else_the_estimate_at_this_machine_s() -> None:
    known = catalogue() | {"devices": [{"kind": "cpu"}]}
    asked = from_query({"attack": "inverting_gradients", "attack.steps": "1000"}, known)
    other = from_query({"model": "convnet", "attack": "inverting_gradients"}, known)
    foreseen, of_other = estimate(asked, known), estimate(other, known)
    assert foreseen
    assert of_other
    shorter = from_query({"attack": "inverting_gradients", "attack.steps": "50", "image": "sample:rocket"}, known)
    assert foresee_span(asked, [ran(shorter, 0.25), ran(other, 9.0)], known) == (250.0, True)
    assert foresee_span(asked, [], known) == (pytest.approx(1000 * PACE * foreseen.seconds), False)
    slow = [ran(other, 7 * of_other.seconds), ran(other, 900.0, iterations=RATED - 1)]
    assert foresee_span(asked, slow, known) == (pytest.approx(7000 * foreseen.seconds), False)
    assert foresee_span(asked, slow, known | {"devices": [{"kind": "cuda"}]}) is None
    assert foresee_span(asked | {"attack": {"kind": "closed"}}, slow, known) is None
