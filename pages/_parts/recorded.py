"""The recorded trade-offs of every defence, from `assets/trade_off.json`: made by `python -m benchmarks.trade_off`."""

from __future__ import annotations

import json
from html import escape

import streamlit as st

from gradleak_core.config.differences import knob_labels, part_title
from gradleak_core.places import ASSETS
from gradleak_core.types import JSON
from gradleak_core.verdicts import seen, write_likeness
from pages._parts.engine import catalogue
from pages._parts.figure import figure
from pages._parts.plots import GREEN, ORANGE, SEEN_AXIS, VIOLET, Curve, Dot, mean, trade_off_chart
from pages._parts.texts import note

NEUTRAL = "inverting_gradients"
"""The attack that every defence meets."""
READABLE = "<style>[data-testid=stSliderThumbValue], [data-testid=stSliderThumbValue] * { color: inherit; }</style>"
"""Gives a slider's value the colour of text; on a dark ground, the theme's own is too dark."""


@st.cache_resource(show_spinner=False)
def read_recorded() -> JSON:
    """Returns the recorded curves with what they share."""
    return json.loads((ASSETS / "trade_off.json").read_text(encoding="utf-8"))


@st.fragment
def explorer() -> None:
    """Shows the recorded curve of one defence with a slider over its strength, and what is left at that strength."""
    kept, rows = read_recorded(), catalogue()["families"]["defences"]
    st.html(READABLE)
    kinds = [kind for kind in rows if kind in kept["curves"]]
    choosing, sliding = st.columns(2, gap="large")
    kind = choosing.selectbox(
        "Defence", kinds, kinds.index("gaussian_noise"), key="curve", format_func=lambda kind: rows[kind]["title"]
    )
    curve, points = kept["curves"][kind], stops(kept, kind)
    names = [strength(point) for point in reversed(points)]  # the weakest to the right, as its dot is
    label = knob_labels({"kind": kind}, catalogue()).get(curve["knob"], "Defence on or off")
    chosen = sliding.select_slider(label, names, strength(points[:3][-1]), key=f"strength:{kind}")
    at = len(points) - 1 - names.index(chosen)
    left, right = st.columns([5, 3], gap="large")
    with left:
        figure(chart(kept, kind, at), key=f"curve-chart:{kind}",
               on_pick=lambda name: st.session_state.update({f"strength:{kind}": name}))  # fmt: skip
        legend(points[-1])
    with right:
        left_over(kept, points[at])
    note(f"{rows[kind]['summary']} {method(kept, kind)}")


def stops(kept: JSON, kind: str) -> list[JSON]:
    """Returns the points of a curve from no defence to the strongest."""
    curve = kept["curves"][kind]
    return [kept["bare"][str(curve["batch"])], *curve["points"]]


def strength(point: JSON) -> str:
    """Names a point by the value of the knob."""
    value = point.get("value")
    return "none" if not point["defences"] else "on" if value is None else f"{value:g}"


def chart(kept: JSON, kind: str, at: int) -> str:
    """Returns the chart of a defence's curves, with all the others faintly behind them."""
    points, single = stops(kept, kind), kept["curves"][kind]["batch"] == 1
    others = [Curve(dots(stops(kept, other), NEUTRAL), faint=True) for other in kept["curves"] if other != kind]
    own = [Curve(dots(points, NEUTRAL, single, at))]
    own += [Curve(dots(points[1:], name, single, at - 1, VIOLET)) for name in points[-1]["leaks"] if name != NEUTRAL]
    says = f"Accuracy over leakage at {len(points)} strengths of this defence, with the recovered pictures"
    return trade_off_chart([*others, *own], SEEN_AXIS, says)


def dots(points: list[JSON], attack: str, single: bool = True, at: int = -1, colour: str = GREEN) -> tuple[Dot, ...]:
    """Returns the dots of a curve under one attack, with the picture of the middle seed if it had a `single` one."""
    found = []
    for number, point in enumerate(points):
        leak = point["leaks"][attack]
        shown, mine = find_middle(leak) if single else leak["pictures"][0], colour if point["defences"] else ORANGE
        found.append(Dot(tuple(leak["likeness"]), tuple(point["accuracy"]), strength(point), shown, mine,
                         chosen=number == at))  # fmt: skip
    return tuple(found)


def find_middle(leak: JSON) -> str:
    """Returns the picture of the seed whose likeness lies in the middle."""
    ranked = sorted(zip(leak["likeness"], leak["pictures"], strict=False))
    return str(ranked[len(ranked) // 2][1])


def legend(point: JSON) -> None:
    """Says which attack has which colour, and what the faint dots are."""
    titles = catalogue()["families"]["attacks"]
    entries = [(ORANGE, "No defence")]
    entries += [(colour, titles[name]["title"]) for name, colour in zip(point["leaks"], (GREEN, VIOLET), strict=False)]
    disc = "display:inline-block;width:12px;height:12px;border-radius:6px;margin-right:4px;background:"
    marks = " ".join(f'<span style="white-space:nowrap;margin-right:12px"><span style="{disc}{colour}"></span>'
                     f"{escape(name)}</span>" for colour, name in entries)  # fmt: skip
    said = "Faint: the other defences. Dot: mean of three runs; bars: lowest to highest; picture: the middle one."
    st.html(f'<div style="font-size:0.875rem">{marks} {said}</div>')


def left_over(kept: JSON, point: JSON) -> None:
    """Shows what a strength leaves: the accuracy, what every attack sees, and its pictures beside the private ones."""
    titles, accuracy = catalogue()["families"]["attacks"], point["accuracy"]
    scores = {name: {score: mean(leak[score]) for score in ("likeness", "psnr", "ssim")}
              for name, leak in point["leaks"].items()}  # fmt: skip
    most = max(scores.values(), key=lambda one: one["likeness"])
    spread = f"{min(accuracy):.1%} to {max(accuracy):.1%}"
    both = headline("Accuracy", f"{mean(accuracy):.1%}", spread)
    both += headline("What is seen", seen(most), f"likeness {write_likeness(most['likeness'])}")
    st.html(f'<div style="display:flex;gap:2rem">{both}</div>')
    rows = gallery("Private", kept["truth"])
    for name, leak in point["leaks"].items():
        said = f"{titles[name]['title']}: PSNR {scores[name]['psnr']:.1f} dB, SSIM {scores[name]['ssim']:.2f}"
        rows += gallery(said, leak["pictures"])
    st.html(rows)


def headline(label: str, value: str, beneath: str) -> str:
    """Returns a large value with its label above and what belongs to it beneath."""
    lines = ((0.875, label), (1.75, value), (0.875, beneath))
    return (
        "<div>" + "".join(f'<div style="font-size:{size}rem">{escape(line)}</div>' for size, line in lines) + "</div>"
    )


def gallery(title: str, pictures: list[str]) -> str:
    """Returns pictures in a row under a line of text."""
    style = "width:30%;max-width:96px;image-rendering:pixelated;border-radius:4px"
    row = " ".join(f'<img src="{escape(one)}" alt="" style="{style}">' for one in pictures)
    return f'<div style="font-size:0.95rem;margin:2px 0 4px">{escape(title)}</div><div>{row}</div>'


def method(kept: JSON, kind: str) -> str:
    """Says how a curve was measured, when, and on what."""
    curve, learnt = kept["curves"][kind], kept["federation"]
    model = part_title(kept["experiment"]["model"], catalogue())
    attack = catalogue()["families"]["attacks"][NEUTRAL]["title"]
    sends = "one picture" if curve["batch"] == 1 else f"{curve['batch']} pictures at once"
    answered = len(curve["points"][-1]["leaks"]) > 1
    return (
        f"Recorded on {curve['date']} with {curve['place']}, three times with other weights and draws. Accuracy: an "
        f"{model} learns {learnt['data']} in {learnt['rounds']} rounds of {learnt['clients']} clients, and is tested "
        f"on held-out pictures as they are. Leakage: {attack} has {kept['steps']} iterations on the first update of a "
        f"client that sends {sends}; it knows the labels."
        + (" The violet attack was made against this defence." if answered else "")
    )
