"""The pieces of the page that prices defences: the form, the chart and the table."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from gradleak_core.runs.service import NoRun
from gradleak_core.types import Refused
from gradleak_core.verdicts import seen
from pages._parts.engine import catalogue, service
from pages._parts.forms import ladder
from pages._parts.note import note
from pages._parts.texts import escaped, segment, table

JSON = Any
SETTINGS = {
    "gaussian_noise": ("std", [1e-3, 1e-2, 1e-1, 1.0]),
    "laplace_noise": ("scale", [1e-3, 1e-2, 1e-1, 1.0]),
    "pruning": ("share", [0.5, 0.9, 0.99, 0.999]),
    "clipping": ("norm", [0.01, 0.1, 1.0, 10.0]),
    "dropout": ("p", [0.25, 0.5, 0.75]),
    "partial_perturbation": ("std", [1e-4, 1e-3, 1e-2, 1e-1]),
}
"""The knob that matters most, and values that show its range. Other defences have their first number and its range."""
MOST = 6
DEFENDED = {"marker": {"size": 13, "symbol": "circle", "color": "#158076"}, "textposition": "top center"}
BARE = {"marker": {"size": 14, "symbol": "diamond", "color": "#C2571A"}, "textposition": "bottom center"}
"""Colours that stand out on light and dark alike."""
STATES = {"failed": st.error, "interrupted": st.warning, "stopped": st.info}


def form(experiment: JSON) -> None:
    """Asks for a defence, the values of one of its knobs, the training data and the number of rounds."""
    rows = catalogue()["families"]["defences"]
    kind = st.selectbox("Defence", list(rows), key="price:defence", format_func=lambda kind: rows[kind]["title"])
    note(rows[kind]["summary"])
    defences = settings(kind, rows[kind])
    federation = catalogue()["federation"]
    own = {knob["name"]: knob for knob in federation["knobs"]}
    with st.expander("What the clients train on, and for how long"):
        data = st.text_input(own["data"]["label"], federation["default"]["data"], key="price:data")
        note(own["data"]["help"])
        rounds = st.number_input(own["rounds"]["label"], 1, 2000, federation["default"]["rounds"], key="price:rounds")
        note(f"{own['rounds']['help']} More rounds take longer and learn more.")
    if st.button("Price it", type="primary", icon=":material/balance:", width="stretch", disabled=not defences):
        begin(experiment, defences, {"data": data, "rounds": int(rounds)})


def settings(kind: str, row: JSON) -> list[JSON]:
    """Returns one defence for each chosen value, or the defence alone if it has no numbers."""
    numbers = {knob["name"]: knob for knob in row["knobs"] if knob["type"] in ("integer", "number")}
    if not numbers:
        note("This defence has no setting to vary, so it gives one point.")
        return [row["default"]]
    first, values = SETTINGS.get(kind, (next(iter(numbers)), []))
    name = st.selectbox(
        "Setting", list(numbers), list(numbers).index(first), key=f"price:{kind}:knob",
        format_func=lambda name: numbers[name]["label"],
    ) if len(numbers) > 1 else first  # fmt: skip
    knob = numbers[name]
    options = choices(knob, values if name == first else [])
    ready = values if name == first and values else spread(options)
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
        return ladder(low, high, float(knob["default"]))
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
    except Refused as refused:
        st.error(str(refused))
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
    return name or service().prices.newest()


@st.fragment(run_every="2s")
def growing(name: str) -> None:
    """Shows the points so far, every two seconds until all are there."""
    value = service().price(name)
    if value["status"] != "running":
        st.rerun()
    done, planned = len(value["points"]), value["planned"]
    st.progress(done / planned, f"Setting {min(done + 1, planned)} of {planned}. {value['note'] or 'Starting.'}")
    if st.button("Stop", icon=":material/stop:", key="stop-price"):
        service().stop_price(name)
        st.rerun()
    result(value)


def result(value: JSON) -> None:
    """Shows the chart, the table under it, and how the computation ended."""
    if value["status"] in STATES:
        STATES[value["status"]](value["message"] or "Stopped by you. The points so far are kept.")
    if not value["points"]:
        return
    measure = st.segmented_control(
        "Leakage as", ["PSNR", "SSIM"], default="PSNR", key="price:measure", required=True, format_func=segment
    )
    st.plotly_chart(figure(value["points"], measure), key="price:chart", config={"displaylogo": False})
    rows = [
        [
            escaped(label(point)),
            f"{point['accuracy']:.1%}",
            *(f"{point[name]:.3g}" for name in ("psnr", "ssim")),
            seen(point),
        ]
        for point in value["points"]
    ]
    st.markdown(table(["Defence", "Accuracy", "PSNR (dB)", "SSIM", "What is seen"], rows))
    data, rounds = value["federation"].get("data"), value["federation"].get("rounds")
    note(
        f"Trained on {escaped(str(data))} for {rounds} rounds; accuracy is on held-out pictures. "
        "Up and to the left is better: the model learns and the picture stays private."
    )


def figure(points: list[JSON], measure: str) -> JSON:
    """Returns a Plotly figure as plain data: leakage to the right, accuracy upwards, no defence as a diamond."""
    names = varying(points)
    return {
        "data": [
            trace([point for point in points if point["defences"]], measure, names, DEFENDED),
            trace([point for point in points if not point["defences"]], measure, names, BARE),
        ],
        "layout": {
            "height": 360, "margin": {"l": 60, "r": 20, "t": 20, "b": 50}, "showlegend": False, "hovermode": "closest",
            "xaxis": {"title": {"text": "Leakage: PSNR in dB" if measure == "PSNR" else "Leakage: SSIM"}},
            "yaxis": {"title": {"text": "Accuracy"}, "tickformat": ".0%", "range": [0, 1.05]},
        },
    }  # fmt: skip


def trace(points: list[JSON], measure: str, names: list[str], look: JSON) -> JSON:
    return {
        "type": "scatter", "mode": "markers+text", "cliponaxis": False, "hoverinfo": "text+x+y",
        "x": [point[measure.lower()] for point in points], "y": [point["accuracy"] for point in points],
        "text": [short(point, names) for point in points], "hovertext": [label(point) for point in points],
    } | look  # fmt: skip


def varying(points: list[JSON]) -> list[str]:
    """Returns the knobs whose values differ between the points."""
    parts = [part for point in points for part in point["defences"]]
    return [name for name in (parts[0] if parts else {}) if len({str(part.get(name)) for part in parts}) > 1]


def short(point: JSON, names: list[str]) -> str:
    """Returns the values that distinguish a point, to stand beside its mark."""
    values = [worded(part[name]) for part in point["defences"] for name in names if name in part]
    return ", ".join(values) or label(point)


def label(point: JSON) -> str:
    """Describes the defences of a point with all their knobs."""
    families = catalogue()["families"]["defences"]
    return " then ".join(described(part, families.get(part["kind"])) for part in point["defences"]) or "No defence"


def described(part: JSON, row: JSON | None) -> str:
    """Describes a defence and its knobs; only its kind if the catalogue does not have it."""
    if row is None:
        return str(part["kind"])
    values = ", ".join(
        f"{knob['label'].lower()} {worded(part[knob['name']])}" for knob in row["knobs"] if knob["name"] in part
    )
    return f"{row['title']}: {values}" if values else str(row["title"])


def worded(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value).replace("_", " ")
