"""The modules of the live view that draw nothing, called one by one: what a trace keeps, where a cursor goes, what is
said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
import torch
from playwright.sync_api import Browser, Route

from gradleak_core.runs.dispatcher import RESTS
from gradleak_core.runs.workers import RUN_AGAIN, SILENT
from gradleak_core.tiles import pack_entries
from gradleak_core.verdicts import PLATEAU, RECOGNISABLE_SSIM, SEEN, STATUSES, place_in_line
from tests.e2e.conftest import ROOT

ANYWHERE = "http://modules.test/"
MODULES = (
    "album",
    "axes",
    "charts",
    "cursor",
    "language",
    "pacer",
    "pictures",
    "plot",
    "race_charts",
    "race_words",
    "skip",
    "tiles",
    "trace",
    "words",
)
TABLE = {
    "statuses": {status: row.word for status, row in STATUSES.items()},
    "reasons": {status: row.reason for status, row in STATUSES.items()},
    "seen": SEEN,
    "recognisable_ssim": RECOGNISABLE_SSIM,
}
LOAD = """async ([names, table]) => {
    for (const name of names) window[name] = await import(`/${name}.js`);
    words.learn(table);
    window.traced = (...messages) => {
        const made = new trace.Trace();
        for (const [head, now] of messages) made.add(head, now ?? 0);
        return made;
    };
    window.told = (frames) => traced([{ status: "running", frames: frames.map((iteration) => ({ iteration })) }]);
    window.cursorOver = (...frames) => {
        window.waiting = {};
        const get = (iteration) => new Promise((come) => { waiting[iteration] = () => come(iteration); });
        const kept = { keep() {}, get };
        return new cursor.Cursor(told(frames), kept, () => {});
    };
    window.come = async (iteration) => { waiting[iteration](); await new Promise((later) => setTimeout(later)); };
}"""
"""Puts the modules on the page under their names. Beside them: a trace of messages; a cursor over frames whose pictures
come when told to, a picture being the number of its iteration."""
Call: TypeAlias = "Callable[..., Any]"


def serve(route: Route) -> None:
    """An empty page, and the modules beside it."""
    name = urlsplit(route.request.url).path.strip("/")
    if name:
        route.fulfill(path=ROOT / "assets" / "live" / name)
    else:
        route.fulfill(body="<!doctype html>", content_type="text/html")


@pytest.fixture(scope="module")
def call(browser: Browser) -> Any:
    """Evaluates JavaScript beside the modules, without a server."""
    page = browser.new_page()
    page.route(f"{ANYWHERE}**", serve)
    page.goto(ANYWHERE)
    page.evaluate(LOAD, [MODULES, TABLE])
    yield page.evaluate
    page.close()


def curve(first: int, *values: float, name: str = "distance") -> dict[str, Any]:
    return {"status": "running", "curve": {"first": first, "columns": {name: [*values]}}}


# ---- trace ---------------------------------------------------------------------------------------


CURVE = (
    "messages => { const { iterations, columns, last } = traced(...messages); return { iterations, columns, last }; }"
)


def test_a_trace_joins_what_it_hears_into_one_curve(call: Call) -> None:
    heard = call(CURVE, [[curve(1, 9, 8)], [curve(3, 7)]])
    assert heard == {"iterations": [1, 2, 3], "columns": {"distance": [9, 8, 7]}, "last": 3}


def test_what_is_heard_twice_is_kept_once(call: Call) -> None:
    heard = call(CURVE, [[curve(1, 9, 8, 7)], [curve(2, 0, 0, 6)], [curve(1, 5)]])
    assert heard == {"iterations": [1, 2, 3, 4], "columns": {"distance": [9, 8, 7, 6]}, "last": 4}


def test_a_thinned_curve_keeps_its_own_iterations(call: Call) -> None:
    thin = {"status": "running", "curve": {"first": 1, "iterations": [1, 50, 99], "columns": {"distance": [9, 5, 1]}}}
    heard = call(CURVE, [[thin], [curve(100, 0.5)]])
    assert heard == {"iterations": [1, 50, 99, 100], "columns": {"distance": [9, 5, 1, 0.5]}, "last": 100}


def test_a_loss_that_comes_later_has_gaps_before(call: Call) -> None:
    heard = call(CURVE, [[curve(1, 9, 8)], [curve(3, 0.1, name="prior")]])
    assert heard["columns"]["prior"] == [None, None, 0.1]
    assert heard["columns"]["distance"] == [9, 8]


def test_a_message_without_news_changes_the_head_only(call: Call) -> None:
    heard = call(
        "messages => { const { head, last, frames } = traced(...messages); return [head, last, frames]; }",
        [[{"status": "running", "steps": 40, "curve": None}], [{"status": "paused"}]],
    )
    assert heard == [{"status": "paused", "steps": 40, "curve": None}, 0, []]


def test_frames_stay_in_order_and_none_comes_twice(call: Call) -> None:
    messages = [[{"status": "running", "frames": [{"iteration": i} for i in part]}] for part in ([1, 5], [5, 3, 8])]
    assert call("messages => traced(...messages).frames.map((frame) => frame.iteration)", messages) == [1, 5, 8]


@pytest.mark.parametrize(("iteration", "index"), [(0, 0), (1, 0), (4, 0), (5, 1), (11, 1), (12, 2), (1000, 2)], ids=str)
def test_the_frame_of_an_iteration_is_the_newest_at_or_before_it(call: Call, iteration: int, index: int) -> None:
    assert call("iteration => told([1, 5, 12]).index(iteration)", iteration) == index


def test_without_frames_the_index_is_nought(call: Call) -> None:
    assert call("() => told([]).index(7)") == 0


@pytest.mark.parametrize(
    ("last", "steps", "ended", "horizon"),
    [(0, 300, False, 25), (25, 300, False, 25), (26, 300, False, 50), (260, 300, False, 300), (180, 3000, False, 200),
     (180, 300, True, 180), (0, 300, True, 25), (900, None, False, 1600)],
)  # fmt: skip
def test_the_time_axis_ends_a_little_ahead_and_at_the_last_iteration_when_all_is_over(
    call: Call, last: int, steps: int | None, ended: bool, horizon: int
) -> None:
    head = curve(last, 1.0) if last else {"status": "running"}
    messages = [[head | {"steps": steps}]]
    assert call("([messages, ended]) => traced(...messages).horizon(ended)", [messages, ended]) == horizon


RATE = "messages => traced(...messages).rate"


def test_the_rate_is_that_of_the_last_three_seconds(call: Call) -> None:
    assert call(RATE, [[curve(1, 1.0), 10], [curve(2, *[1.0] * 20), 12]]) == 10
    slowed = [[curve(1, 1.0), 0], [curve(2, *[1.0] * 999), 1], [curve(1001, 1.0), 4], [curve(1002, 1.0, 1.0, 1.0), 5]]
    assert call(RATE, slowed) == 1


@pytest.mark.parametrize("messages", [[], [[curve(1, 1.0), 3]], [[curve(1, 1.0), 3], [curve(2, 1.0), 3]]])
def test_there_is_no_rate_before_time_has_passed(call: Call, messages: list[Any]) -> None:
    assert call(RATE, messages) == 0


def test_a_pause_does_not_count_as_slowness(call: Call) -> None:
    before = [[curve(1, 1.0), 0], [curve(2, 1.0), 1], [{"status": "paused"}, 2]]
    assert call(RATE, before) == 0
    assert call(RATE, [*before, [curve(3, 1.0), 60], [curve(4, *[1.0] * 8), 62]]) == 4


SPREAD = "([frames, slots, ended]) => told(frames).spread(slots, ended).map((frame) => frame.iteration)"


@pytest.mark.parametrize(
    ("frames", "slots", "ended", "shown"),
    [([], 4, False, []), ([1, 2, 3], 4, False, [1, 2, 3]), (range(1, 14), 4, True, [1, 2, 6, 13]),
     (range(1, 12), 4, False, [1, 3, 6]), (range(1, 17), 4, False, [1, 3, 6, 16]), (range(1, 20), 4, False, [1, 3, 10]),
     ([1, 2, 3, 4, 100], 3, True, [1, 4, 100]), ([9, 90, 900, 950, 1000, 2000], 4, True, [9, 90, 2000]),
     ([*range(1, 5001)], 12, True, [1, 2, 5, 10, 22, 48, 104, 226, 490, 1063, 2305, 5000])],
)  # fmt: skip
def test_the_film_strip_is_dense_at_first_and_its_plan_only_doubles(
    call: Call, frames: Any, slots: int, ended: bool, shown: list[int]
) -> None:
    assert call(SPREAD, [[*frames], slots, ended]) == shown


# ---- cursor --------------------------------------------------------------------------------------


def test_a_cursor_follows_the_newest_picture(call: Call) -> None:
    assert (
        call("() => { const at = cursorOver(1, 2); at.hear(1, 1); at.hear(2, 2); at.hear(1, 1); return at.shown; }")
        == 2
    )


def test_who_went_back_stays_there_until_he_follows_again(call: Call) -> None:
    went = call("""async () => {
        const at = cursorOver(1, 5, 9);
        at.hear(9, 9);
        at.scrub(7);
        const wished = [at.shown, at.at, at.following];
        await come(5);
        at.hear(9, 9);
        const back = [at.shown, at.picture, at.frame.iteration];
        at.follow();
        await come(9);
        return { wished, back, again: [at.shown, at.following, at.wish] };
    }""")
    assert went == {"wished": [9, 5, False], "back": [5, 5, 5], "again": [9, True, None]}


def test_while_a_picture_is_on_its_way_only_the_newest_wish_counts(call: Call) -> None:
    went = call("""async () => {
        const at = cursorOver(1, 2, 3, 4);
        at.scrub(1);
        at.scrub(2);
        at.scrub(4);
        await come(1);
        const asked = Object.keys(waiting).sort();
        await come(4);
        return [asked, at.shown];
    }""")
    assert went == [["1", "4"], 4]


def test_arrows_go_frame_by_frame_and_say_when_they_lead_beyond_the_newest(call: Call) -> None:
    went = call("""() => {
        const at = cursorOver(1, 5, 9);
        return [+1, -1, -1, -1, +1].map((by) => [at.move(by), at.at]);
    }""")
    assert went == [[True, None], [False, 5], [False, 1], [False, 1], [False, 5]]
    assert call("() => cursorOver().move(1)") is False


def test_a_closed_cursor_shows_nothing_more(call: Call) -> None:
    went = call("""async () => {
        const at = cursorOver(1, 2);
        at.scrub(1);
        at.close();
        await come(1);
        return at.shown;
    }""")
    assert went is None


def test_a_picture_that_cannot_be_had_leaves_the_one_on_show(call: Call) -> None:
    went = call("""async () => {
        const at = cursorOver(1, 2);
        at.hear(2, 2);
        at.album.get = () => Promise.reject(new Error("gone"));
        at.scrub(1);
        await new Promise((later) => setTimeout(later));
        return [at.shown, at.at];
    }""")
    assert went == [2, 2]


# ---- charts --------------------------------------------------------------------------------------


def test_a_long_curve_is_drawn_with_its_dips_and_spikes(call: Call) -> None:
    drawn = call("""() => {
        const y = Array.from({ length: 10007 }, (_, index) => 1 / (1 + index));
        [y[4001], y[7003], y[8000]] = [9, -9, null];
        return charts.thinned(y.map((_, index) => index + 1), y);
    }""")
    points = dict(zip(drawn["x"], drawn["y"], strict=True))
    assert (points[1], points[4002], points[7004]) == (1, 9, -9)
    assert drawn["x"] == sorted(points)
    assert drawn["x"][-1] == 10007
    assert len(points) <= 1501


def test_a_short_curve_is_drawn_whole(call: Call) -> None:
    assert call("() => charts.thinned([1, 2, 3], [1, null, 3])") == {"x": [1, 2, 3], "y": [1, None, 3]}


# ---- pacer ---------------------------------------------------------------------------------------


PACED = """async (act) => {
    const drawn = [], asked = [], next = window.requestAnimationFrame;
    window.requestAnimationFrame = (draw) => { asked.push(draw); return next(draw); };
    const paced = new pacer.Pacer({
        pictures: { every: 200, draw: (now) => drawn.push(["pictures", now]) },
        curves: { every: 400, draw: (now) => drawn.push(["curves", now]) },
    });
    const rest = (ms) => new Promise((later) => setTimeout(later, ms));
    await ACT;
    window.requestAnimationFrame = next;
    paced.close();
    return { parts: drawn.map(([part]) => part), times: drawn.map(([, now]) => now), frames: asked.length };
}"""


def test_all_parts_that_may_be_drawn_share_a_frame_in_their_order(call: Call) -> None:
    went = call(PACED.replace("ACT", "(paced.ask('curves', 'pictures'), paced.ask('pictures'), rest(150))"))
    assert went["parts"] == ["pictures", "curves"]
    assert went["times"][0] == went["times"][1]
    assert went["frames"] == 1


def test_a_part_waits_for_its_time_and_no_frame_is_asked_for_meanwhile(call: Call) -> None:
    went = call(PACED.replace("ACT", "(paced.ask('pictures'), rest(50).then(() => paced.ask('pictures')), rest(900))"))
    assert went["parts"] == ["pictures", "pictures"]
    assert went["times"][1] - went["times"][0] >= 200
    assert went["frames"] <= 4, "a frame is asked for when something may be drawn, not at every one in between"


def test_a_part_waits_a_little_for_company(call: Call) -> None:
    act = "(async () => { paced.ask('curves'); await rest(100); paced.ask('curves'); "
    act += "await rest(1050); paced.ask('pictures'); await rest(100); })()"
    went = call(PACED.replace("ACT", act).replace("every: 400", "every: 1000"))
    assert went["parts"] == ["curves", "pictures", "curves"], "the curves came due alone after 1000 ms, and waited"
    assert went["times"][1] == went["times"][2]


def test_a_part_that_nobody_joins_is_drawn_by_itself(call: Call) -> None:
    act = "(async () => { paced.ask('curves'); await rest(50); paced.ask('curves'); await rest(900); })()"
    went = call(PACED.replace("ACT", act))
    assert went["parts"] == ["curves", "curves"]
    assert went["times"][1] - went["times"][0] >= 400


def test_a_closed_pacer_draws_nothing_more(call: Call) -> None:
    went = call(PACED.replace("ACT", "(paced.ask('pictures'), paced.close(), paced.ask('curves'), rest(150))"))
    assert went["parts"] == []


# ---- words ---------------------------------------------------------------------------------------


FACTS = "([messages, ended, live]) => words.facts(traced(...messages), ended, live)"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (4.24, "4.2 s"), (9.9, "9.9 s"), (10, "10 s"), (48.4, "48 s"), (59.4, "59 s"), (59.5, "1 min 0 s"),
     (185, "3 min 5 s"), (3600, "60 min 0 s")],
)  # fmt: skip
def test_a_length_of_time_is_said_in_seconds_and_minutes(call: Call, seconds: float, said: str) -> None:
    messages = [[curve(1, 1.0) | {"status": "paused", "steps": 9, "seconds": seconds}]]
    assert call(FACTS, [messages, False, True]) == ["iteration 1 of 9", said]


def test_a_run_that_runs_says_how_quick_it_is_and_how_long_it_takes_at_most(call: Call) -> None:
    begun = curve(1, 1.0) | {"steps": 100, "seconds": 1}
    news = curve(2, *[1.0] * 40) | {"seconds": 3, "frames": [{"iteration": 41, "redrawn": 2}]}
    said = ["iteration 41 of 100", "3.0 s", "20 iterations/s", "at most 3.0 s left", "2 restarts redrawn"]
    assert call(FACTS, [[[begun, 1], [news, 3]], False, True]) == said
    assert call(FACTS, [[[begun, 1], [news, 3]], False, False]) == [*said[:3], said[4]]


def test_a_run_whose_server_is_gone_is_not_said_to_go_on(call: Call) -> None:
    begun = curve(1, 1.0) | {"status": "running", "steps": 100, "seconds": 1}
    news = curve(2, *[1.0] * 40) | {"seconds": 3}
    lost = (
        "([one, two]) => { const t = traced(one, two); t.lose(); return [words.facts(t, false, true), t.head.status]; }"
    )
    assert call(lost, [[begun, 1], [news, 3]]) == [["iteration 41 of 100", "3.0 s"], "loading"]


@pytest.mark.parametrize(
    ("message", "said"),
    [(SILENT + RUN_AGAIN, "The worker process stood still and was started anew; what was seen is kept."),
     (RESTS, "Others waited, so this run has made room."),
     (PLATEAU.format(still=300, seconds=15, left=9), "Nothing has improved for 300 iterations."),
     ("Recognisable after 1.0 s.", "Recognisable after 1.0 s.")],
)  # fmt: skip
def test_who_only_watches_is_not_asked_to_press_anything(call: Call, message: str, said: str) -> None:
    assert call("words.watched", message) == said


@pytest.mark.parametrize("place", [1, 2, 3, 4, 11, 12, 13, 21, 22, 100, 101, 111])
def test_the_page_of_runs_says_a_place_in_the_same_words(call: Call, place: int) -> None:
    for wait in (None, 1, 45, 95, 120, 3600):
        waiting = {"status": "queued", "queue_position": place, "queue_seconds": wait}
        assert call(FACTS, [[[waiting]], False, True]) == [place_in_line(place, wait)]


def test_a_run_that_has_made_room_says_its_place(call: Call) -> None:
    waiting = curve(1, *[1.0] * 30) | {"status": "queued", "queue_position": 2, "message": "It has made room."}
    assert call(FACTS, [[[waiting]], False, True]) == ["2nd in line"]


def test_a_run_that_is_over_says_its_mean_rate(call: Call) -> None:
    over = curve(1, *[1.0] * 30) | {"status": "done", "steps": 30, "seconds": 12}
    assert call(FACTS, [[[over]], True, True]) == [
        "iteration 30 of 30",
        "12 s",
        "2.5 iterations/s",
        STATUSES["done"].reason,
    ]


@pytest.mark.parametrize(
    ("head", "said"),
    [({"status": "ready"}, []), ({"status": "queued"}, ["waiting for a free worker"]),
     ({"status": "queued", "queue_position": 3}, ["3rd in line"]),
     ({"status": "queued", "queue_position": 2, "queue_seconds": 40}, ["2nd in line, about 40 s"]),
     ({"status": "queued", "queue_position": 11, "queue_seconds": 300}, ["11th in line, about 5 min"]),
     ({"status": "queued", "queue_position": 1, "queue_seconds": 3}, ["next in line, about 3 s"]),
     ({"status": "queued", "message": "Downloading 3 of 9 MB."}, [])],
)  # fmt: skip
def test_before_the_first_iteration_there_is_only_the_place_in_the_queue(
    call: Call, head: dict[str, Any], said: list[str]
) -> None:
    assert call(FACTS, [[[head]], False, True]) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0, "0"), (0.12345, "0.123"), (0.001, "0.00100"), (0.00099, "9.9 × 10⁻⁴"),
     (7.3e-6, "7.3 × 10⁻⁶"), (-2e-12, "-2.0 × 10⁻¹²"), (12.3456, "12.3"), (99.99999, "100"), (64.492, "64.5"),
     (123.4, "123"), (98765, "98,800")],
)  # fmt: skip
def test_a_number_of_any_size_takes_a_few_characters(call: Call, value: float | None, said: str) -> None:
    assert call("value => words.small(value)", value) == said


NUMBERS = "([frame, floor, told]) => words.numbers(frame, floor, told)"
BORDER = SEEN["recognisable"]


@pytest.mark.parametrize(
    ("metrics", "said", "word"),
    [({}, "–", f"recognisable from {BORDER}"), ({"likeness": BORDER, "ssim": 0.1}, f"{BORDER:.2f}", "recognisable"),
     ({"likeness": BORDER - 0.0001}, f"{BORDER - 0.01:.2f}", "outline"),
     ({"likeness": 0.59}, "0.59", "outline"), ({"likeness": 0.1, "ssim": 0.9}, "0.10", "nothing"),
     ({"likeness": 0.9997}, "1.00", "near copy"), ({"ssim": 0.6}, "–", "recognisable"),
     ({"ssim": -0.02}, "–", "not recognisable")],
)  # fmt: skip
def test_the_number_for_likeness_says_what_is_seen(call: Call, metrics: dict[str, float], said: str, word: str) -> None:
    numbers = call(NUMBERS, [{"iteration": 1, "metrics": metrics}, None, False])
    assert (numbers["likeness"], numbers["seen"]) == (said, word)


def test_every_number_has_a_place_before_there_is_one(call: Call) -> None:
    names = ("likeness", "ssim", "psnr", "distance", "accuracy")
    numbers = call(NUMBERS, [None, None, False])
    assert {name: numbers[name] for name in names} == dict.fromkeys(names, "–")
    metrics = {"psnr": 51.341, "ssim": 0.71, "distance": 64.492, "label_accuracy": 0.666}
    numbers = call(NUMBERS, [{"iteration": 1, "metrics": metrics}, None, False])
    assert [numbers[name] for name in names] == ["–", "0.71", "51.3", "64.5", "67\u00a0%"]
    assert call(NUMBERS, [{"iteration": 1, "metrics": {"ssim": -0.004}}, None, False])["ssim"] == "0.00"
    told = call(NUMBERS, [{"iteration": 1, "metrics": metrics}, None, True])
    assert (told["accuracy"], told["accuracy-note"]) == ("told", "to the attacker")


def test_beside_the_scores_stands_what_knowing_nothing_scores(call: Call) -> None:
    rows = {name: {"psnr": at, "ssim": at / 100, "likeness": 0} for name, at in (("grey", 12), ("mean", 13.9))}
    floor = rows | {"other": {"psnr": 9.25, "ssim": 0.1, "likeness": 0.21}, "chance": 0.1}
    numbers = call(NUMBERS, [None, floor, False])
    assert numbers["psnr-note"] == "dB, floor 13.9"
    assert numbers["ssim-note"] == "floor 0.14"
    assert numbers["accuracy-note"] == "recovered, chance 10\u00a0%"
    assert call("floor => words.explained(floor)", floor).endswith("For likeness: floor 0.21.")
    assert call("floor => words.explained(floor)", None) == ""


CAPTIONS = "(given) => words.captions(...given)"


def test_a_label_that_nobody_chose_has_no_name(call: Call) -> None:
    mixed = call(CAPTIONS, [[0, 1], [0, 0], ["person", "animal"], False, [1]])
    assert mixed["labels"] == "Labels: image 2 is class 1, guessed class 0."
    alone = call(CAPTIONS, [[0], [0], [], False, [0]])
    assert (alone["truth"], alone["guess"]) == ("Label: class 0, by default", "✓ class 0, right")


def test_an_error_that_cannot_be_seen_is_told_from_one_that_can(call: Call) -> None:
    off = (
        "(value) => pictures.faint(pictures.difference(new ImageData(new Uint8ClampedArray([9, 9, 9, 255]), 1), "
        "new ImageData(new Uint8ClampedArray([9 + value, 9 + value, 9 + value, 255]), 1), [0, 0, 0]))"
    )
    assert [call(off, value) for value in (0, 5, 6, 90)] == [True, True, False, False]


ANIMALS = ["cat", "dog", "2"]


@pytest.mark.parametrize(
    ("truth", "guess", "told", "said"),
    [
        ([], [], False, ("", "", "", [])),
        ([0], None, False, ("Label: cat (0)", "", "", [False])),
        ([0], [0], False, ("Label: cat (0)", "✓ cat (0), right", "", [True])),
        ([0], [1], False, ("Label: cat (0)", "✗ dog (1), wrong", "", [False])),
        ([2], [2], True, ("Label: class 2", "class 2, told", "", [True])),
        ([7], [1], False, ("Label: class 7", "✗ dog (1), wrong", "", [False])),
        ([0, 1], None, False, ("2 pictures", "", "Labels: cat (0), dog (1).", [])),
        ([0, 1], [0, 1], True, ("2 pictures", "labels told", "Labels: cat (0), dog (1).", [True, True])),
        ([0, 1], [0, 1], False, ("2 pictures", "2 of 2 labels right", "Labels: all right.", [True, True])),
        (
            [0, 1, 2],
            [1, 1, 0],
            False,
            (
                "3 pictures",
                "1 of 3 labels right",
                "Labels: image 1 is cat (0), guessed dog (1); image 3 is class 2, guessed cat (0).",
                [False, True, False],
            ),
        ),
    ],
)
def test_captions_name_the_labels_and_say_which_are_right(
    call: Call, truth: list[int], guess: list[int] | None, told: bool, said: tuple[str, str, str, list[bool]]
) -> None:
    captions = call(CAPTIONS, [truth, guess, ANIMALS, told])
    assert (captions["truth"], captions["guess"], captions["labels"], captions["right"]) == said


def test_a_hall_is_told_no_numbers_of_classes_that_have_names(call: Call) -> None:
    captions = call(CAPTIONS, [[0], [2], ANIMALS, False, [], False])
    assert (captions["truth"], captions["guess"]) == ("Label: cat", "✗ class 2, wrong")


def test_labels_without_names_are_numbers(call: Call) -> None:
    assert call(CAPTIONS, [[3], [4], None, False])["guess"] == "✗ class 4, wrong"


@pytest.mark.parametrize(
    ("state", "said"),
    [({"status": "recovered"}, "Matched"), ({"status": "interrupted"}, "Cut off"), ({"status": "ready"}, "Ready"),
     ({"status": "ready", "refused": True}, "Not possible"), ({"status": "queued", "preparing": True}, "Preparing"),
     ({"status": "running", "recording": True}, "Recording of a real run – press Run it live"),
     ({"status": "running", "recording": True, "barred": True}, "Recording of a real run")],
)  # fmt: skip
def test_the_headline_says_what_is_on_show(call: Call, state: dict[str, Any], said: str) -> None:
    assert call("state => words.headline(state)", state) == said


@pytest.mark.parametrize(
    ("state", "said"),
    [({"status": "ready"}, ["Run it live", "Pause", "Live"]),
     ({"status": "ready", "busy": True}, ["Starting…", "Pause", "Live"]),
     ({"status": "running", "live": True}, ["Run again", "Pause", "Live"]),
     ({"status": "paused", "live": True}, ["Run again", "Resume", "Live"]),
     ({"status": "paused", "live": True, "level": True}, ["Run again", "Go on", "Live"]),
     ({"status": "done", "live": True, "ended": True}, ["Run again", "Pause", "Newest"]),
     ({"status": "done", "playing": True, "ended": True}, ["Run it live", "Play again", "Newest"])],
)  # fmt: skip
def test_buttons_say_what_they_will_do(call: Call, state: dict[str, Any], said: list[str]) -> None:
    names = call("state => words.buttons(state)", state)
    assert [names[name] for name in ("run", "pause", "follow")] == said


@pytest.mark.parametrize(
    ("frame", "said"),
    [({"forecast": 4.24}, "Forecast: recognisable after about 4.2 s."), ({"forecast": None}, ""),
     ({"forecast": 0.4}, "The forecast of 0.4 s was wrong: the picture is not recognisable yet."),
     ({"forecast": 4.24, "metrics": {"likeness": 0.97}}, ""), ({}, "")],
)  # fmt: skip
def test_a_forecast_is_shown_until_the_picture_is_there(call: Call, frame: dict[str, Any], said: str) -> None:
    running = curve(1, *[1.0] * 5) | {"steps": 20, "seconds": 2, "frames": [{"iteration": 5} | frame]}
    assert call("messages => words.foreseen(traced(...messages))", [[running]]) == said


SPOKEN = "([messages, ended, shown]) => words.spoken(traced(...messages), ended, true, shown)"


def test_a_screen_reader_hears_the_question_at_a_plateau(call: Call) -> None:
    asked = {"status": "paused", "message": "Nothing has improved. Press Go on.", "steps": 9}
    said = call("head => words.spoken(traced([head]), false, true, null)", curve(1, 1.0) | asked)
    assert said == "Paused. Nothing has improved. Press Go on."


def test_a_screen_reader_hears_how_far_it_is_and_how_it_ended(call: Call) -> None:
    running = curve(1, *[1.0] * 5) | {"steps": 20, "seconds": 2}
    shown = {"iteration": 5, "metrics": {"likeness": 0.71}}
    assert call(SPOKEN, [[[running]], False, shown]) == "Running. iteration 5 of 20, seen: recognisable"
    assert call(SPOKEN, [[[running]], False, None]) == "Running. iteration 5 of 20"
    over = running | {"status": "stopped"}
    assert call(SPOKEN, [[[over]], True, None]) == "Stopped. iteration 5 of 20, 2.0 s"
    verdict = over | {"status": "done", "result": {"status": "done", "verdict": "Recognisable after 2.0 s."}}
    assert call(SPOKEN, [[[verdict]], True, shown]) == "Finished. Recognisable after 2.0 s. seen: recognisable"


CLEARING = """([frames, at]) => words.clearing(traced([
    { frames, result: at === undefined ? null : { iterations_to_recognisable: at } },
]))?.iteration ?? null"""


def test_a_run_says_itself_when_it_was_recognisable(call: Call) -> None:
    """A run that was stored before it said so has the first frame that is."""
    stored = [{"iteration": k, "metrics": {"likeness": k / 10}} for k in range(1, 10)]
    marked = [frame | {"recognised": frame["iteration"] == 8} for frame in stored]
    unmarked = [frame | {"recognised": False} for frame in stored]
    assert [call(CLEARING, [frames]) for frames in (stored, marked, unmarked)] == [7, 8, None]
    assert [call(CLEARING, [frames, 9]) for frames in (stored, marked, unmarked)] == [9, 9, 9]
    assert [call(CLEARING, [frames, None]) for frames in (stored, marked, unmarked)] == [7, 8, None]


# ---- races ---------------------------------------------------------------------------------------


RACE = """rows => {
    const over = ["done", "stopped", "failed", "level", "recovered"];
    const lanes = rows.map(([status, at, frames], index) => ({
        number: index + 1, name: "abcdef"[index], ended: over.includes(status),
        crossing: at ? { iteration: at, seconds: at / 10 } : null,
        before: at ? { iteration: at - 2, seconds: at / 10 - 0.2 } : null,
        trace: traced([{ status, steps: 300, frames, curve: { first: 1, columns: { distance: Array(40).fill(1) } } }]),
    }));
    return {
        word: race_words.headline(lanes, false), status: race_words.together(lanes),
        verdict: race_words.verdict(lanes, "iterations"),
        timed: race_words.verdict(lanes, "seconds"), facts: race_words.progress(lanes, 12, "iterations", null),
        moments: lanes.map((lane) => race_words.moment(lane.crossing, lane.trace, lane.ended)),
    };
}"""


@pytest.mark.parametrize(
    ("lanes", "word", "status", "verdict"),
    [
        ([("done", 9), ("done", 4)], "Finished", "done",
         "Lane 2, b, was recognisable first, at iteration 4, then lane 1."),
        ([("done", 0), ("done", 0)], "Finished", "done", "No lane became recognisable."),
        ([("done", 9), ("done", 9)], "Finished", "done",
         "Lanes 1, 2 were recognisable first, too close to tell apart."),
        ([("stopped", 0), ("stopped", 0)], "Stopped", "stopped", "No lane became recognisable: lanes 1, 2 (stopped)."),
        (
            [("done", 0), ("done", 5), ("stopped", 0), ("level", 0)],
            "2 finished, 1 stopped, 1 levelled off",
            "stopped",
            "Lane 2, b, was recognisable first, at iteration 5. "
            "Not recognisable: lane 1, lane 3 (stopped), lane 4 (levelled off).",
        ),
        ([("done", 7), ("failed", 0)], "1 finished, 1 failed", "failed",
         "Lane 1, a, was recognisable first, at iteration 7. Not recognisable: lane 2 (failed)."),
        ([("running", 7), ("done", 0)], "Running", "running", "Lane 1, a, was recognisable first, at iteration 7."),
    ],
)  # fmt: skip
def test_a_race_says_how_each_lane_ended(
    call: Call, lanes: list[tuple[str, int]], word: str, status: str, verdict: str
) -> None:
    said = call(RACE, lanes)
    assert (said["word"], said["status"], said["verdict"]) == (word, status, verdict)
    assert said["facts"] == "iteration 12 of 300"


def test_a_lane_is_better_by_the_difference_of_the_numbers_on_show(call: Call) -> None:
    """32.24 and 32.06 dB are shown as 32.2 and 32.1."""
    frames = [{"metrics": {"psnr": 32.24}}, {"metrics": {"psnr": 32.06}}]
    assert call("([own, first]) => race_words.price(own, first)", frames) == "0.1 dB above lane 1"
    assert call("([own, first]) => race_words.price(first, own)", frames) == "0.1 dB below lane 1"


@pytest.mark.parametrize(
    ("own", "first", "said"),
    [
        ({"psnr": 5.5, "likeness": 0.29}, {"psnr": 5.5, "likeness": 0.25}, "nothing, as in lane 1"),
        ({"psnr": 5.5, "likeness": 0.4}, {"psnr": 5.2, "likeness": 0.25}, "below the floor, as lane 1"),
        ({"psnr": 15.5, "likeness": 0.4}, {"psnr": 5.2, "likeness": 0.25}, "10.3 dB above lane 1"),
    ],
)
def test_of_two_kinds_of_noise_neither_is_better(call: Call, own: Any, first: Any, said: str) -> None:
    given = [{"metrics": own}, {"metrics": first}, {"grey": {"psnr": 9.9}, "other": {"psnr": 11.3}}]
    assert call("([own, first, floor]) => race_words.price(own, first, floor)", given) == said


def test_a_lane_that_the_clock_has_left_behind_says_where_it_ended(call: Call) -> None:
    behind = "([end, at, by]) => race_words.leftBehind(end, at, by)"
    said = [call(behind, given) for given in ([200, 3000, "iterations"], [0.5, 7, "seconds"], [200, 200, "iterations"])]
    assert said == ["ended at 200", "ended at 0.50 s", ""]
    assert call(behind, [200, None, "iterations"]) == ""


def test_lanes_of_one_look_came_in_together_and_others_did_not(call: Call) -> None:
    """The frames before theirs, which the clock chose, say nothing of that."""
    lanes = """looks => looks.map((iteration, index) => ({
        number: index + 1, name: "abc"[index], ended: false, trace: traced([{ status: "running" }]),
        crossing: { iteration, recognised: true }, before: { iteration: 1 },
    }))"""
    verdict = f"looks => race_words.verdict(({lanes})(looks), 'iterations')"
    assert call(verdict, [57, 60]) == "Lane 1, a, was recognisable first, at iteration 57, then lane 2."
    assert call(verdict, [60, 57, 57]) == ("Lanes 2, 3 were recognisable first, too close to tell apart, then lane 1.")


def test_lanes_whose_frames_overlap_came_in_together(call: Call) -> None:
    said = call(RACE, [("done", 9), ("done", 8), ("done", 20)])
    together = "Lanes 1, 2 were recognisable first, too close to tell apart, then lane 3."
    assert (said["verdict"], said["timed"]) == (together, together)
    assert call(RACE, [("done", 9), ("done", 4)])["timed"] == (
        "Lane 2, b, was recognisable first, after 0.40 s, then lane 1."
    )


def test_a_lane_that_crosses_the_line_and_grows_worse_says_so(call: Call) -> None:
    better, worse = ([{"iteration": at, "metrics": {"likeness": seen}} for at, seen in row] for row in
                     ([(5, 0.6), (40, 0.9)], [(5, 0.9), (40, 0.1)]))  # fmt: skip
    said = call(RACE, [("done", 9, better), ("done", 5, worse), ("running", 5, worse)])
    assert said["moments"] == ["recognisable at 9, 0.90 s", "recognisable at 5, 0.50 s, worse at the end",
                               "recognisable at 5, 0.50 s"]  # fmt: skip
    said = call(RACE, [("done", 9, better), ("done", 5, worse)])
    assert said["verdict"] == (
        "Lane 2, b, was recognisable first, at iteration 5, then lane 1. Worse again at the end: lane 2."
    )


def test_a_lane_that_was_cut_short_is_not_said_to_have_failed_to_recover(call: Call) -> None:
    lanes = [("stopped", 0), ("level", 0), ("done", 0), ("done", 8), ("running", 0)]
    assert call(RACE, lanes)["moments"] == [
        "stopped at 40", "levelled off at 40, not recognisable", "not recognisable in 40", "recognisable at 8, 0.80 s",
        "not recognisable yet",
    ]  # fmt: skip


# ---- tiles ---------------------------------------------------------------------------------------


PALETTE = {"below": [0, 0, 200], "zero": [100, 100, 100], "above": [200, 0, 0], "dropped": [1, 2, 3]}
PAINT = """([layer, bytes, before]) => Array.from(tiles.paint(
    { signs: [], ...layer }, Int8Array.from(bytes), PALETTE, before && Int8Array.from(before)
))""".replace("PALETTE", json.dumps(PALETTE))


def pixels(values: list[int]) -> list[list[int]]:
    assert all(alpha in (0, 255) for alpha in values[3::4])
    return [values[at : at + 3] for at in range(0, len(values), 4)]


def test_tiles_come_out_as_they_were_packed(call: Call) -> None:
    packed = pack_entries(torch.tensor([1.0, -1.0, 0.25, 0.0]))
    assert call("text => Array.from(tiles.unpack(text))", packed) == [127, -127, 64, 0]
    assert call("layers => tiles.offsets(layers)", [{"form": [2, 3]}, {"form": [4, 3, 5, 5]}]) == [0, 6, 306]


def test_an_entry_has_the_colour_of_its_sign_and_size_and_a_dropped_one_is_grey(call: Call) -> None:
    painted = call(PAINT, [{"form": [2, 2]}, [127, -127, 0, 0], [127, -127, 5, 0]])
    assert pixels(painted) == [PALETTE[name] for name in ("above", "below", "dropped", "zero")]
    assert pixels(call(PAINT, [{"form": [1, 1]}, [0], None])) == [PALETTE["zero"]]


def test_kernels_are_pictures_in_which_zero_is_grey(call: Call) -> None:
    red = [127] * 1 + [0] * 1 + [-127] * 1
    painted = pixels(call(PAINT, [{"form": [4, 3, 1, 1]}, [*red, *[0] * 9], None]))
    assert painted[0] == [255, 128, 0]
    assert call("() => tiles.extent([4, 3, 1, 1])") == {"width": 3, "height": 3, "columns": 2}
    assert painted[4] == [0, 0, 0], "the gap is empty"


def test_a_negative_of_a_picture_is_turned_over(call: Call) -> None:
    bright_to_dark = [0, -64, -127, 0]
    painted = pixels(call(PAINT, [{"form": [1, 1, 2, 2], "signs": [-1]}, bright_to_dark, None]))
    assert [one[0] for one in painted] == [0, 65, 255, 0]
    assert all(len({*one}) == 1 for one in painted)


@pytest.mark.parametrize(("matrices", "found"), [(1, 1), (7, 1), (8, 2), (21, 3), (60, 4)])
def test_a_large_network_has_several_lines_of_tiles_and_loses_none(call: Call, matrices: int, found: int) -> None:
    layers = [{"form": form} for _ in range(matrices) for form in ([9, 9], [9, 1])]
    drawn = call("layers => tiles.lines(layers)", layers)
    assert [place for line in drawn for place in line] == list(range(2 * matrices))
    assert len(drawn) == found
    assert all(line and line[0] % 2 == 0 for line in drawn), "a bias stays with its weight"


@pytest.mark.parametrize(
    ("hidden", "name", "gone", "then"),
    [("", "conv1.weight", False, "conv1.*"), ("conv2.bias", "fc", False, "conv2.bias, fc"),
     ("conv1.*, conv2.bias", "conv1.weight", True, "conv2.bias"), ("conv?.bias", "conv2.bias", True, ""),
     ("a.b.*", "a.b.weight", True, ""), ("axb.*", "a.b.weight", True, "axb.*")],
)  # fmt: skip
def test_hiding_a_layer_and_showing_it_again_changes_the_list(
    call: Call, hidden: str, name: str, gone: bool, then: str
) -> None:
    assert call("([hidden, name, gone]) => tiles.hide(hidden, name, gone)", [hidden, name, gone]) == then


def test_tiles_that_are_not_at_hand_are_asked_for_once(call: Call) -> None:
    heard = call("""async () => {
        let [asked, changed] = [[], 0];
        const ask = async (at) => { asked.push(at); return at === 3 ? "fw==" : ""; };
        const shelf = new tiles.Shelf(ask, () => { changed += 1; });
        shelf.keep(1, "gQ==");
        const now = [shelf.look(1)[0], shelf.look(3), shelf.look(3), shelf.look(4)];
        await new Promise((later) => setTimeout(later));
        return [now, shelf.look(3)[0], shelf.look(4), asked, changed];
    }""")
    assert heard == [[-127, None, None, None], 127, None, [3, 4], 1]


def test_what_a_layer_is_stands_in_words(call: Call) -> None:
    layer = {
        "name": "fc.weight",
        "shape": [10, 768],
        "before": 2,
        "norm": 1.5,
        "share": 0.25,
        "zeros": 0.9,
        "classes": [0],
    }
    said = call("layer => words.layer(layer, 0.0011)", layer)
    assert said == [
        "fc.weight, 10 × 768", "Norm 1.50, 2.00 before the defence.", "25\u00a0% of the update's squared length.",
        "Cosine with the guess's 0.9989.", "90\u00a0% of its entries are zero.",
        "A row a class. The label's row is framed.",
    ]  # fmt: skip
    said = call("layer => words.layer(layer, undefined)", layer | {"norm": None, "share": None, "zeros": None})
    assert said[1:] == ["Hidden from the attacker. Norm 2.00."]
    assert call("() => words.wire({ bytes: 12650, whole: 63304 })") == "12.7 kB on the wire, not 63.3 kB"
    assert call("() => words.wire({ bytes: 999, whole: 999 })") == "999 bytes on the wire"


@pytest.mark.parametrize(
    ("axis", "texts"),
    [
        ({"range": [-4, 0], "log": True}, ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]),
        ({"range": [-0.5, 0.4], "log": True}, ["0.5", "1", "1.5", "2", "2.5"]),
        ({"range": [0, 3000]}, ["0", "500", "1000", "1500", "2000", "2500", "3000"]),
        ({"range": [0, 40], "step": 10}, ["0", "10", "20", "30", "40"]),
    ],
)
def test_an_axis_has_round_numbers_in_their_places(call: Call, axis: Any, texts: list[str]) -> None:
    ticks = call("(axis) => axes.ticks(axis, 7)", axis)
    assert [tick["text"] for tick in ticks] == texts
    places = [tick["at"] for tick in ticks]
    assert places == sorted(places)
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)


def test_a_line_leads_from_the_end_of_a_curve_to_the_label_that_made_room(call: Call) -> None:
    drawn = call("""() => {
        const lane = (number, x, y) => ({ x: [0, x], y: [0, y], name: "", line: { color: "red" }, lane: { number } });
        const lanes = [lane(1, 9.8, 0.5), lane(2, 10, 0.52), lane(3, 5, 0.52)];
        const labels = race_charts.ends(lanes, { height: 100 }, y => y);
        const chart = new plot.Plot(document.createElement("div"), () => {}, () => {});
        chart.resize({ width: 188, height: 134 });
        const axes = { x: { range: [0, 10] }, left: { range: [0, 1] } };
        chart.draw({ ...axes, lines: [], marks: [], labels, hint: "", free: false });
        return [...chart.front.children].map((node) => node.textContent || node.getAttribute("d"));
    }""")
    assert drawn == ["3", "M148,56L158,44", "2", "1"], "the third ends elsewhere, so it need not make room"


def test_a_skip_link_hands_the_focus_on_once_the_button_can_be_pressed(call: Call) -> None:
    there = """async () => {
        const button = Object.assign(document.createElement("button"), { disabled: true, textContent: "Run" });
        document.body.append(button);
        const link = skip.offerSkip(button, "Skip to Run");
        link.focus();
        link.click();
        const before = document.activeElement.textContent;
        button.disabled = false;
        await new Promise((later) => setTimeout(later));
        const after = document.activeElement.textContent;
        link.remove();
        button.remove();
        return [before, after];
    }"""
    assert call(there) == ["Skip to Run", "Run"]


# ---- language ------------------------------------------------------------------------------------


def test_a_sentence_is_said_in_the_language_that_was_learnt(call: Call) -> None:
    said = 'names => names.map((name) => language.say("Welcome, {name}.", { name }))'
    assert call(said, ["Ada"]) == ["Welcome, Ada."]
    call("table => language.learnLanguage(table, 'de')", {"Welcome, {name}.": "Willkommen, {name}."})
    assert call(said, ["Ada"]) == ["Willkommen, Ada."]
    assert call("() => [language.say('{a} {b}', { a: 1 }), document.documentElement.lang]") == ["1 {b}", "de"]
