"""A race in the Lab: lanes to add, a knob to sweep, and the view of all lanes in place of the one run."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

from gradleak_core.config import demand
from gradleak_core.config.assumptions import SOK, THREAT_MODELS, assumptions
from gradleak_core.config.links import tell_plainly
from gradleak_core.config.races import (
    MOST_LANES,
    check_lanes,
    lane_names,
    lane_text,
    race_title,
    read_lane,
    sweep_knob,
    sweepable,
    usual_values,
)
from gradleak_core.config.schemas import quoted
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import seen
from pages._parts import pictures, setup, teaching, texts
from pages._parts.engine import catalogue, found_race
from pages._parts.foreword import foreword
from pages._parts.problems import find_problems
from pages._parts.race import in_common, on_stage, outcomes, over, race_view, what_differs
from pages._parts.speaking import st
from pages._parts.texts import note

FAMILIES = {"Defence": ("defences", "defence"), "Attack": ("attacks", "attack"), "Model": ("models", "model")}
"""How a lane can differ: the family that is chosen from, and the key of a link that names the choice."""
REFUSAL: dict[str, Any] = {"height": 100, "width": 370, "border": False}
"""The place that is kept for a sentence on why a lane or a sweep was refused, so that nothing moves."""


def racing(experiment: JSON) -> tuple[list[JSON], list[str]]:
    """Returns the experiments of the race that is set up, the first included, and a sentence on each lane left out.

    There are none without a second lane.
    """
    found, complaints = [experiment], []
    for text in setup.lanes():
        try:
            lane = read_lane(text, experiment, catalogue())
        except Refused as refused:
            complaints.append(f"A lane is left out: {tell_plainly(str(refused), catalogue())}")
            continue
        if lane in found:
            complaints.append(f"A lane is left out: {quoted(text)} makes it the same as another.")
        else:
            found.append(lane)
    return found if len(found) > 1 else [], complaints


def race_menu(experiment: JSON) -> None:
    """Shows the button behind which lanes are added."""
    if teaching.hidden("race"):
        return
    teaching.say_why("race")
    asked = st.session_state.get("lanes-asked", 0)  # another popover, and so a closed one, after each choice
    label = "Lanes" if setup.lanes() else "Make it a race"
    with st.popover(label, icon=":material/sports_score:", key=f"race-menu:{asked}", disabled=teaching.locked("race")):
        own = ["Take out"] if setup.lanes() else []
        adding, sweeping, knowing, *taking = st.tabs(["Add a lane", "Sweep a knob", "Assumptions", *own])
        with adding:
            add_lane(experiment)
        with sweeping:
            sweep_values(experiment)
        with knowing:
            price_assumptions(experiment)
        for tab in taking:
            with tab:
                take_out(experiment)


def price_assumptions(experiment: JSON) -> None:
    """Shows the button for a race of the attacker with and without each thing that it is assumed to know."""
    found = assumptions(experiment, catalogue())
    st.markdown("What is each assumption about the attacker worth, in decibels? Each lane lacks or adds one.")
    for assumption in found.values():
        has = THREAT_MODELS.get(assumption.model)
        note(f"{assumption.realism} It takes an attacker with {has}." if has else assumption.realism)
    note(f"Who has what is from {SOK}.")
    lanes = [read_lane(text, experiment, catalogue()) for text in found]
    closed = [*map(setup.allowed, lanes)] != lanes
    st.button("Race them", type="primary", key="assumptions", on_click=change_lanes, args=(list(found),),
              disabled=closed)  # fmt: skip
    if closed:
        note(teaching.STAYS)


def add_lane(experiment: JSON) -> None:
    """Shows how a further lane can differ from the set-up: by a defence, an attack or a model."""
    st.markdown("The same picture and seed, with another")
    what = st.segmented_control(
        "What differs", list(FAMILIES), default="Defence", key="lane-what", label_visibility="collapsed"
    )
    family, key = FAMILIES[what or "Defence"]
    rows = catalogue()["families"][family]
    titles: dict[str, str] = {"none": "No defence"} if key == "defence" else {}
    titles |= {kind: row["title"] for kind, row in rows.items()}
    kind = st.selectbox("Which", list(titles), min(1, len(titles) - 1), format_func=titles.get, key=f"lane-{key}")
    full = len(setup.lanes()) + 1 >= MOST_LANES
    text = f"{key}={kind}"
    st.button("Add it", type="primary", key="add-lane", on_click=add, args=(text,), disabled=full)
    with st.container(**REFUSAL):
        texts.show_refusal(text, other_length(experiment, rows[kind]) if key == "attack" else "")


def other_length(experiment: JSON, attack: JSON) -> str:
    """Says how many iterations another attack takes; empty if they are as many as those of the set-up."""
    own, other = experiment["attack"].get("steps"), attack["default"].get("steps")
    if own == other or None in (own, other):
        return ""
    return f"{attack['title']} takes {other:,} iterations by itself; the set-up takes {own:,}."


def add(text: str) -> None:
    """Adds a lane to the race, unless it is the same as another or cannot be run."""
    experiment, known = setup.current(), catalogue()
    with texts.refusing(text):
        lane = read_lane(text, experiment, known)
        check_lanes([*(read_lane(one, experiment, known) for one in ("", *setup.lanes())), lane])
        refuse_others([lane])
        change_lanes([*setup.lanes(), text])


def sweep_values(experiment: JSON) -> None:
    """Shows a numeric knob to choose, and its values, each of which becomes a lane."""
    known = sweepable(experiment, catalogue())
    path = st.selectbox("Knob", list(known), format_func=lambda path: known[path]["label"] + f" ({path})", key="sweep")
    values = ", ".join(f"{value:g}" for value in usual_values(known[path]))
    st.text_input("Two to twelve values, with commas between them", values, key=f"sweep-values:{path}")
    with st.container(**REFUSAL):
        texts.show_refusal(path, "Each value becomes a lane. The set-up takes the first.")
    st.button("Sweep", type="primary", key="do-sweep", on_click=sweep_over, args=(path, known[path]["label"]))


def sweep_over(path: str, label: str) -> None:
    """Makes the lanes of a race from the values of one knob, the first of which the set-up takes."""
    experiment, known, values = setup.current(), catalogue(), st.session_state[f"sweep-values:{path}"]
    with texts.refusing(path, path, label):
        lanes = sweep_knob(experiment, path, list(filter(None, map(str.strip, values.split(",")))), known)
        check_lanes(lanes)
        refuse_others(lanes)
        setup.take(lanes[0], None, [lane_text(lane, lanes[0], known) for lane in lanes[1:]])
        close_menu()


def refuse_others(lanes: list[JSON]) -> None:
    """Raises `Refused` where a lane would change what is locked or hidden."""
    if [*map(setup.allowed, lanes)] != lanes:
        raise Refused(teaching.STAYS)


def change_lanes(texts_of_lanes: list[str]) -> None:
    """Replaces the lanes beside the set-up. The race on show leaves the page, because it is another one."""
    if teaching.locked("race"):
        return
    st.session_state.update(lanes=texts_of_lanes, race=None, welcome=False)
    close_menu()


def close_menu() -> None:
    st.session_state["lanes-asked"] = st.session_state.get("lanes-asked", 0) + 1


def take_out(experiment: JSON) -> None:
    """Shows a button for each lane beside the set-up, which takes it away."""
    lanes = {}
    for text in setup.lanes():
        with suppress(Refused):
            lanes[text] = read_lane(text, experiment, catalogue())
    named = dict(zip(lanes, lane_names([experiment, *lanes.values()], catalogue())[1:], strict=True))
    for text in setup.lanes():
        name, rest = named.get(text, text), [other for other in setup.lanes() if other != text]
        st.button(texts.escaped(name), key=f"lane:{text}", icon=":material/close:", width="stretch",
                  on_click=change_lanes, args=(rest,))  # fmt: skip


def live_race(lanes: list[JSON], complaints: list[str]) -> None:
    """Shows the lanes with their controls, the race on show if it is this one, and what differs between the lanes."""
    known, images = catalogue(), lanes[0]["images"]
    names, shown = lane_names(lanes, known), race_on_show(lanes)
    reasons = [f"Lane {number}: {reason}" for number, lane in enumerate(lanes, 1) for reason in find_problems(lane)[:1]]
    reasons = reasons or list(filter(None, [demand.lack_together(lanes, known)]))
    race_view(
        race={"lanes": lanes, "names": names, "title": race_title(lanes, known), "by": "iterations"},
        shown=shown and on_stage(shown),
        shared=in_common(lanes),
        refused="\n".join(reasons) or None,
        complaint="\n".join(complaints),
        foreword="" if reasons else f"Lane 1: {foreword(lanes[0])}",
        preview=pictures.preview(images, lanes[0]["size"], lanes[0]["channels"]),
        key="race-view",
        on_race_change=lambda: st.session_state.update(race=st.session_state["race-view"]["race"], welcome=False),
    )
    what_differs(lanes, names)
    rows = shown["lanes"] if shown else []
    what_is_realistic(lanes, names, rows)
    if over(rows):
        outcomes(rows)


def what_is_realistic(lanes: list[JSON], names: list[str], rows: list[JSON]) -> None:
    """Shows how realistic each assumption is that a lane of this race takes away or adds, and what it was worth.

    `rows` are the lanes' runs, none before the race.
    """
    known, first = catalogue(), lanes[0]
    found = {lane_text(read_lane(text, first, known), first, known): one
             for text, one in assumptions(first, known).items()}  # fmt: skip
    lines = []
    for at, lane in enumerate(lanes):
        if (text := lane_text(lane, first, known)) and (one := found.get(text)):
            price = in_decibels(rows[0], rows[at]) if rows else ""
            lines.append(
                [texts.escaped(f"{at + 1} {names[at]}"), price or "–", THREAT_MODELS.get(one.model, "–"), one.realism]
            )
    if lines:
        st.subheader("What each assumption is worth")
        st.markdown(texts.table(["Lane", "The picture", "Whoever has it, has", "How realistic is it?"], lines))
        note(EAVESDROPPERS)


EAVESDROPPERS = (
    f"The weakest attacker of {SOK} that has it. Each of them has what those before it have, and more: "
    f"{', then '.join(THREAT_MODELS.values())}. Others also change the network or choose the clients, which no "
    "attacker here does. The paper does not speak of dropout masks and the batch size."
)


def in_decibels(first: JSON, row: JSON) -> str:
    """Says how much better or worse a run's picture is than the first run's; empty while one has no score.

    Pictures that show nothing of the private one, or are no nearer to it than guesses without the update, have no
    price: which of two kinds of noise is nearer means nothing.
    """
    results = [one["result"] or {} for one in (row, first)]
    metrics = [result.get("metrics") or {} for result in results]
    own, other = (scores.get("psnr") for scores in metrics)
    if own is None or other is None:
        return ""
    if all(seen(scores) == "nothing" for scores in metrics):
        return "nothing comes back either way"
    if all(scores["psnr"] <= highest_floor(result) for scores, result in zip(metrics, results, strict=True)):
        return "below the floor either way"
    if abs(own - other) < 0.05:
        return "as good"
    return f"{abs(own - other):.1f} dB {'worse' if own < other else 'better'}"


def highest_floor(result: JSON) -> float:
    """Returns the best PSNR of guesses that know nothing of the update; less than any score where it is not known."""
    rows = ((result.get("floor") or {}).get(name) or {} for name in ("grey", "mean", "other"))
    return max((row["psnr"] for row in rows if row.get("psnr") is not None), default=-math.inf)


def race_on_show(lanes: list[JSON]) -> JSON:
    """Returns the race on show, if its lanes are those that are set up."""
    found = found_race(setup.shown_race())
    return found if found and [row["experiment"] for row in found["lanes"]] == lanes else None
