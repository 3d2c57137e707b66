"""The recorded trade-offs of every defence, from `assets/trade_off.json`: made by `python -m benchmarks.trade_off`."""

from __future__ import annotations

import json
from html import escape

from gradleak_core.config.differences import knob_labels, part_title
from gradleak_core.places import ASSETS
from gradleak_core.types import JSON
from gradleak_core.verdicts import seen, write_likeness
from pages._parts.engine import catalogue
from pages._parts.figure import figure
from pages._parts.plots import GREEN, ORANGE, SEEN_AXIS, VIOLET, Curve, Dot, mean, trade_off_chart
from pages._parts.speaking import st
from pages._parts.texts import note, segment

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
    with sliding:
        at = choose_strength(kind, curve["knob"], [strength(point) for point in points])
    left, right = st.columns([5, 3], gap="large")
    with left:
        figure(chart(kept, kind, at), key=f"curve-chart:{kind}",
               on_pick=lambda name: st.session_state.update({f"strength:{kind}": name}))  # fmt: skip
        legend(points[-1])
    with right:
        left_over(kept["truth"], points[at], points[0])
    note(f"{rows[kind]['summary']} {method(kept, kind)}")


def choose_strength(kind: str, knob: str, names: list[str]) -> int:
    """Asks for a strength, or on or off where a defence has no knob, and returns its number among the `names`.

    The names are given from the weakest on, and stand in the order of their dots, which has the weakest to the right.
    """
    shown, first, key = names[::-1], names[:3][-1], f"strength:{kind}"
    if knob:
        label = knob_labels({"kind": kind}, catalogue())[knob]
        return names.index(st.select_slider(label, shown, first, key=key))
    chosen = st.segmented_control("On or off", shown, default=first, required=True, key=key, format_func=segment)
    return names.index(chosen or first)


def stops(kept: JSON, kind: str) -> list[JSON]:
    """Returns the points of a curve from no defence to the strongest."""
    curve = kept["curves"][kind]
    return [kept["bare"][str(curve["batch"])], *curve["points"]]


def strength(point: JSON) -> str:
    """Names a point by the value of the knob."""
    value = point.get("value")
    return "off" if not point["defences"] else "on" if value is None else f"{value:g}"


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


def left_over(truth: list[str], point: JSON, bare: JSON) -> None:
    """Shows what a strength leaves: the accuracy, what the best attack sees, and every attack's pictures."""
    titles, accuracy, leaks = catalogue()["families"]["attacks"], point["accuracy"], point["leaks"]
    likeness = {name: mean(leak["likeness"]) for name, leak in leaks.items()}
    best = max(likeness, key=lambda name: likeness[name])
    both = headline("Accuracy", f"{mean(accuracy):.1%}", f"{min(accuracy):.1%} to {max(accuracy):.1%}")
    said = f"likeness {write_likeness(likeness[best])}"
    both += headline(f"Seen by {titles[best]['title']}", seen({"likeness": likeness[best]}), said)
    st.html(f'<div style="display:flex;gap:2rem">{both}</div><div style="font-size:0.875rem">{cost(point, bare)}</div>')
    rows = gallery(truth, "Private")
    for name, leak in leaks.items():
        scores = f"likeness {write_likeness(likeness[name])}", f"PSNR {mean(leak['psnr']):.1f} dB"
        rows += gallery(leak["pictures"], titles[name]["title"], *scores)
    st.html(rows)


def cost(point: JSON, bare: JSON) -> str:
    """Says how the accuracy of a point differs from that without a defence, and whether the error bars cover that."""
    if point is bare:
        return "No defence: the accuracy to compare with."
    mine, without = point["accuracy"], bare["accuracy"]
    points = 100 * (mean(mine) - mean(without))
    apart = min(mine) > max(without) or max(mine) < min(without)
    side, bars = "above" if points >= 0 else "below", "beyond" if apart else "within"
    return f"{abs(points):.1f} points {side} no defence, {bars} the error bars."


def headline(label: str, value: str, beneath: str) -> str:
    """Returns a large value with its label above and what belongs to it beneath."""
    lines = ((0.875, label), (1.75, value), (0.875, beneath))
    return (
        "<div>" + "".join(f'<div style="font-size:{size}rem">{escape(line)}</div>' for size, line in lines) + "</div>"
    )


def gallery(pictures: list[str], *lines: str) -> str:
    """Returns pictures in a row with lines of text beside them."""
    look = "flex:none;width:20%;max-width:112px;image-rendering:pixelated;border-radius:4px"
    row = "".join(f'<img src="{escape(one)}" alt="" style="{look}">' for one in pictures)
    style = "display:flex;gap:6px;align-items:center;margin-bottom:6px;font-size:0.875rem"
    return f'<div style="{style}">{row}<div>{"<br>".join(map(escape, lines))}</div></div>'


def method(kept: JSON, kind: str) -> str:
    """Says how a curve was measured, when, and on what."""
    curve, learnt = kept["curves"][kind], kept["federation"]
    model = part_title(kept["experiment"]["model"], catalogue())
    attack = catalogue()["families"]["attacks"][NEUTRAL]["title"]
    sends = "one picture" if curve["batch"] == 1 else f"{curve['batch']} pictures at once"
    answered = len(curve["points"][-1]["leaks"]) > 1
    return (
        f"Recorded on {curve['date']} with {curve['place']}, three times with other weights and draws. Accuracy: an "
        f"{model} learns {learnt['data']} until it levels off, for at most {learnt['rounds']} rounds of "
        f"{learnt['clients']} clients, and is tested on held-out pictures as they are. Leakage: {attack} has "
        f"{kept['steps']} iterations on the first update of a client that sends {sends}; it knows the labels."
        + (" The violet attack was made against this defence." if answered else "")
    )
