"""The pieces of the page that price defences here: the form, the forecast, the chart and the table."""

from __future__ import annotations

import math
from contextlib import suppress

from gradleak_core.config.differences import knob_labels, part_title, shown_value
from gradleak_core.runs.service import NoRun, NotReady
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import duration, seen
from pages._parts import texts
from pages._parts.engine import catalogue, service
from pages._parts.entrance import entrance
from pages._parts.figure import figure
from pages._parts.forms import ladder
from pages._parts.plots import GREEN, ORANGE, SEEN_AXIS, SSIM_AXIS, Curve, Dot, psnr_axis, trade_off_chart
from pages._parts.recorded import read_recorded
from pages._parts.speaking import st
from pages._parts.texts import escaped, note, segment, table

FEWEST, MOST = 3, 6
"""The fewest recorded values that are offered as they are, and the most values that are priced together."""
STATES = {"failed": st.error, "interrupted": st.warning, "stopped": st.info}
MEASURES = {"What is seen": "likeness", "PSNR": "psnr", "SSIM": "ssim"}
"""What leakage can be shown as, and its name in a point."""


def pricing(experiment: JSON) -> None:
    """Shows the form beside the trade-off that is being computed, or the one that the address names, or the newest."""
    attacked = texts.ingredients(experiment | {"defences": []}, catalogue())
    note(
        "Several clients train the same model without a defence and with each setting of one. The attack has "
        f"the Lab's set-up: {attacked}. It runs once per setting, with one draw of the noise, on the Lab's model and "
        "not on the one trained here."
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        form(experiment)
    with right:
        name = shown()
        if name is None:
            st.markdown("Nothing has been measured here yet. Choose a defence and press **Price it**.")
        elif service().price(name)["status"] == "running":
            growing(name)
        else:
            result(service().price(name))
            with st.popover("Delete", icon=":material/delete:"):
                st.markdown("This deletes the trade-off with all its points.")
                st.button("Delete it", key=f"delete-price:{name}", on_click=delete, args=(name,))


def delete(name: str) -> None:
    """Deletes a trade-off that was computed here."""
    with suppress(NoRun):  # another tab has deleted it
        service().delete_price(name)
    st.query_params.pop("price", None)


def form(experiment: JSON) -> None:
    """Asks for a defence, the values of one of its knobs, the training data, and how often and how long to train."""
    rows = catalogue()["families"]["defences"]
    kind = st.selectbox("Defence", list(rows), key="price:defence", format_func=lambda kind: rows[kind]["title"])
    note(rows[kind]["summary"])
    defences = settings(kind, rows[kind])
    federation = catalogue()["federation"]
    own = {knob["name"]: knob for knob in federation["knobs"]}
    with st.expander("What the clients train on, and for how long"):
        data = st.text_input(own["data"]["label"], federation["default"]["data"], key="price:data")
        note(own["data"]["help"])
        default = federation["default"]
        rounds = st.number_input(own["rounds"]["label"], 1, 2000, default["rounds"], key="price:rounds")
        note(own["rounds"]["help"])
        seeds = st.number_input(own["seeds"]["label"], 1, 10, default["seeds"], key="price:seeds")
        note(f"{own['seeds']['help']} The bars reach from the lowest accuracy to the highest.")
    chosen = {"data": data, "rounds": int(rounds), "seeds": int(seeds)}
    let_in, idle, above = entrance("price"), not defences, st.container()
    if let_in and st.button("Price it", type="primary", icon=":material/balance:", width="stretch", disabled=idle):
        with above:
            begin(experiment, defences, chosen)
    note(expectation(experiment, chosen, len(defences)))


def expectation(experiment: JSON, federation: JSON, count: int) -> str:
    """Says how long a price is likely to take, from the last one of the same set-up here."""
    seconds = service().expected_price(experiment, federation, count)
    if seconds is None:
        return "How long it takes is said as soon as the first rounds are trained."
    return f"Expect about {duration(seconds)}, going by the last time with this set-up."


def settings(kind: str, row: JSON) -> list[JSON]:
    """Returns one defence for each chosen value, or the defence alone if it has no numbers."""
    numbers = {knob["name"]: knob for knob in row["knobs"] if knob["type"] in ("integer", "number")}
    if not numbers:
        note("This defence has no setting to vary, so it gives one point.")
        return [row["default"]]
    curve = read_recorded()["curves"].get(kind, {})
    first = curve.get("knob") or next(iter(numbers))
    values = [point["value"] for point in curve.get("points", [])] if curve.get("knob") else []
    name = st.selectbox(
        "Setting", list(numbers), list(numbers).index(first), key=f"price:{kind}:knob",
        format_func=lambda name: numbers[name]["label"],
    ) if len(numbers) > 1 else first  # fmt: skip
    knob = numbers[name]
    options = choices(knob, values if name == first else [])
    ready = values if name == first and len(values) >= FEWEST else spread(options)
    chosen = st.multiselect(
        f"{knob['label']}: values to try", options, ready, key=f"price:{kind}:{name}", max_selections=MOST,
        format_func=lambda value: f"{value:g}", placeholder="Choose up to six",
    )  # fmt: skip
    note(knob["help"])
    return [row["default"] | {name: value} for value in sorted(chosen)]


def choices(knob: JSON, values: list[float]) -> list[float]:
    """Returns the values that can be picked for a knob, in order."""
    low, high = knob.get("low") or 0, knob["high"]
    if knob["type"] == "integer":
        step = max(1, (int(high) - int(low)) // 16)
        return sorted({*range(int(low), int(high) + 1, step), knob["default"], *values})
    if knob.get("log"):
        return sorted({*ladder(low, high, float(knob["default"])), *values})
    step = 10 ** math.ceil(math.log10(high - low)) / 20
    steps = {round(step * index, 6) for index in range(math.ceil(low / step), math.floor(high / step) + 1)}
    return sorted(steps | {float(knob["default"]), *values})


def spread(options: list[float], count: int = 4) -> list[float]:
    """Picks a few options, evenly spaced, without the two ends if there are enough."""
    inner = options[1:-1] if len(options) > count + 1 else options
    last = max(len(inner) - 1, 1)
    return list(dict.fromkeys(inner[round(index * last / (count - 1))] for index in range(count) if inner))[:count]


def begin(experiment: JSON, defences: list[JSON], federation: JSON) -> None:
    try:
        st.query_params["price"] = service().start_price(experiment, defences, federation)
    except (Refused, NotReady) as error:
        st.error(str(error))
        return
    st.rerun()


def shown() -> str | None:
    """Returns the trade-off that the address names, else the newest; None if there is none."""
    name = st.query_params.get("price")
    try:
        if name:
            service().price(name)
    except NoRun:
        st.warning("This link's trade-off is no longer stored.", icon=":material/link_off:")
        name = None
    return name or service().newest_price()


@st.fragment(run_every="1s")
def growing(name: str) -> None:
    """Shows the points so far, every second until all are there."""
    value = service().price(name)
    if value["status"] != "running":
        st.rerun()
    done, planned = len(value["points"]), value["planned"]
    st.progress(done / planned, f"Setting {min(done + 1, planned)} of {planned}. {value['note']}")
    note(f"{outlook(value)}.")
    if st.button("Stop", icon=":material/stop:", key="stop-price"):
        with suppress(Refused, NoRun):  # it has ended meanwhile
            service().stop_price(name)
        st.rerun()
    result(value)


def outlook(value: JSON) -> str:
    """Says how long a price has taken, and how long it was forecast to take at most."""
    forecast, seconds = value.get("forecast"), value.get("seconds") or 0
    gone = f"{duration(seconds)} so far" if value["status"] == "running" else f"It took {duration(seconds)}"
    if forecast is None:
        return f"{gone}; no forecast yet" if value["status"] == "running" else gone
    if "seeds" not in value["federation"]:  # of a version that trained for a fixed number of rounds
        return f"{gone}; the forecast was {duration(forecast)}"
    most = f"at most {duration(forecast)}"
    return f"{gone}; {most} in all" if value["status"] == "running" else f"{gone}; {most} were forecast"


def result(value: JSON) -> None:
    """Shows the chart, the table under it, and how the computation ended."""
    if value["status"] in STATES:
        STATES[value["status"]](value["message"] or "Stopped by you. The points so far are kept.")
    points, draft = value["points"], value.get("draft") if value["status"] == "running" else None
    if not points and not draft:
        return
    drawn = [*points, *([draft] if draft else [])]
    ready = [name for name, score in MEASURES.items() if all(point.get(score) is not None for point in drawn)]
    measure = st.segmented_control("Leakage as", ready, default=ready[0], key="price:measure", required=True,
                                   format_func=segment)  # fmt: skip
    figure(chart(drawn, draft, measure if measure in ready else ready[0]), key="price-chart")
    if draft:
        note(
            f"The hollow dot still moves: {draft.get('trained')} of {value['federation'].get('seeds')} trainings and "
            f"{draft.get('iteration')} iterations of the attack are done."
        )
    st.markdown(table(["Defence", "Accuracy", "Rounds", "PSNR (dB)", "SSIM", "What is seen"], list(map(row, points))))
    taken = f" {outlook(value)}." if value["status"] == "done" and value.get("seconds") else ""
    note(
        f"{trained(value['federation'])} Accuracy is on held-out pictures. Up and to the left is better: the model "
        f"learns and the picture stays private.{taken}"
    )


def trained(federation: JSON) -> str:
    """Says how the models of a price were trained."""
    data, rounds, seeds = escaped(str(federation.get("data"))), federation.get("rounds"), federation.get("seeds")
    if seeds is None:
        return f"Trained once on {data} for {rounds} rounds."
    return (
        f"Trained on {data} {seeds} times with other weights and draws, each time until the accuracy levelled off, for "
        f"at most {rounds} rounds. Dot: mean; bars: lowest to highest."
    )


def row(point: JSON) -> list[str]:
    """Returns the cells of a point in the table."""
    each, rounds = accuracies_of(point), point.get("rounds")
    accuracy = f"{point['accuracy']:.1%}" + (f" ({min(each):.1%} to {max(each):.1%})" if len(each) > 1 else "")
    taken = f"{min(rounds)} to {max(rounds)}" if rounds else ""
    return [escaped(label(point)), accuracy, taken, f"{point['psnr']:.1f}", f"{point['ssim']:.2f}", seen(point)]


def accuracies_of(point: JSON) -> tuple[float, ...]:
    """Returns the accuracy of each training; of a version that trained once, the only one."""
    return tuple(point.get("accuracies") or [point["accuracy"]])


def chart(points: list[JSON], draft: JSON, measure: str) -> str:
    """Returns the chart of the points: leakage to the right, accuracy upwards, the recovered pictures above."""
    score = MEASURES[measure]
    axis = {"What is seen": SEEN_AXIS, "SSIM": SSIM_AXIS}.get(measure) or psnr_axis([point[score] for point in points])
    names = varying(points)
    dots = [
        Dot((point[score],), accuracies_of(point), short(point, names), *point.get("pictures", [])[:1],
            colour=GREEN if point["defences"] else ORANGE, draft=point is draft)
        for point in points
    ]  # fmt: skip
    curves = [Curve((dot,)) for dot in dots if dot.colour == ORANGE]
    curves += [Curve(own) for own in [tuple(dot for dot in dots if dot.colour == GREEN)] if own]
    return trade_off_chart(curves, axis, f"Accuracy over leakage at {len(points)} settings")


def varying(points: list[JSON]) -> list[str]:
    """Returns the knobs whose values differ between the points."""
    parts = [part for point in points for part in point["defences"]]
    return [name for name in (parts[0] if parts else {}) if len({str(part.get(name)) for part in parts}) > 1]


def short(point: JSON, names: list[str]) -> str:
    """Returns the values that distinguish a point, to stand beside its mark."""
    values = [shown_value(part[name], catalogue()) for part in point["defences"] for name in names if name in part]
    return ", ".join(values) or label(point)


def label(point: JSON) -> str:
    """Describes the defences of a point with all their knobs."""
    return " then ".join(map(described, point["defences"])) or "No defence"


def described(part: JSON) -> str:
    """Describes a defence and its knobs; only its kind if the catalogue does not have it."""
    labels = knob_labels(part, catalogue()) if part["kind"] in catalogue()["families"]["defences"] else {}
    values = [f"{labels[name].lower()} {shown_value(part[name], catalogue())}" for name in labels if name in part]
    return part_title(part, catalogue()) + (f": {', '.join(values)}" if values else "")
