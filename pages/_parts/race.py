"""The view of a race: several runs on one clock, live or stored, and the table of what differs between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradleak_core.config.differences import differences, shared_setup
from gradleak_core.config.needs import labels_revealed
from gradleak_core.doctor.patient import write_distance
from gradleak_core.types import JSON
from gradleak_core.verdicts import UNFINISHED, duration, word, write_likeness
from pages._parts import setup, teaching, texts
from pages._parts.dropped import take_dropped
from pages._parts.engine import catalogue
from pages._parts.entrance import apart, enter_and_complain, entry
from pages._parts.live_view import ALWAYS, STYLES, component, do_nothing, markup
from pages._parts.speaking import st

_mount_race = component(
    "gradleak_race_view",
    markup(
        "race.html", what="Race", losses="Distance, log", losses_chart="the gradient distance of every lane, log scale",
        quality="Likeness",
        quality_chart="the likeness of every lane, with the finish line from which a picture is recognisable",
    ),
    *STYLES, "race.css",
)  # fmt: skip


WRITTEN = {"psnr": "{:.1f}".format, "ssim": "{:.2f}".format, "likeness": write_likeness}
"""How the live view writes the scores that are no lengths."""
OTHERWISE = {
    "shown": None, "refused": None, "complaint": "", "foreword": "", "preview": None, "shared": "", "compact": False,
}  # fmt: skip
"""What a view is told unless it is told something else."""


def race_view(*, race: JSON = None, key: str, on_race_change: Callable[[], None] = do_nothing, **told: Any) -> None:
    """Mounts the view. `key` keeps its DOM, sockets and charts alive over reruns.

    `race` is what Run starts: `lanes`, `names`, `title` and `by`. `told` are values for the names of `OTHERWISE`:
    `shown` is what is on show: the `id` of a race, or of a comparison, with the `runs` and the `names` of its lanes;
    `race` is true in it for what can be exported as a race.
    `refused` is the sentence that says why Run is disabled, and `complaint` what was not understood;
    `foreword` says what to expect.
    `preview` is the private pictures of all lanes, stacked, as a data address, until the runs' own are there.
    `shared` is what all lanes have in common, in a line. `compact` leaves out what changes the race.
    """
    data = {"module": "race.js", "race": race, "batch": len(race["lanes"][0]["images"]) if race else 1}
    shown = told.get("shown") or {}
    data |= {"people": apart(), "entry": entry()} | teaching.for_view(shown.get("id"))
    if teaching.hidden("truth"):
        told["preview"] = None
    _mount_race(
        key=key,
        data=[data | OTHERWISE | told | ALWAYS],
        on_race_change=on_race_change,
        on_teach_change=lambda: setup.open_form(st.session_state[key]["teach"]),
        on_dropped_change=lambda: take_dropped(st.session_state[key]["dropped"]),
        on_pin_change=lambda: enter_and_complain(st.session_state[key]["pin"]),
    )


def race_alone(race: JSON, *, key: str) -> None:
    """Shows a stored or running race to be watched, without controls, and what differs between its lanes."""
    experiments = [row["experiment"] for row in race["lanes"]]
    race_view(shown=on_stage(race), shared=in_common(experiments), compact=True, key=key)
    what_differs(experiments, race["names"])
    if over(race["lanes"]):
        outcomes(race["lanes"])


def over(rows: Sequence[JSON]) -> bool:
    """Returns whether there are runs and all of them have ended."""
    return bool(rows) and not any(row["status"] in UNFINISHED for row in rows)


def on_stage(race: JSON) -> JSON:
    """Returns a race, as `races.get_race` gives it, as the view shows it."""
    return {"id": race["id"], "runs": [row["id"] for row in race["lanes"]], "names": race["names"], "race": True}


def in_common(experiments: Sequence[JSON]) -> str:
    """Returns a line on what all lanes share, and on how many iterations each has where those differ."""
    shared, steps = shared_setup(experiments, catalogue()), [one["attack"].get("steps") for one in experiments]
    lines = [f"In all lanes: {shared}."] if shared else []
    if len(set(steps)) > 1:
        lines.append(f"Iterations lane by lane: {'; '.join('none' if n is None else f'{n:,}' for n in steps)}.")
    return " ".join(lines)


def what_differs(experiments: Sequence[JSON], names: Sequence[str]) -> None:
    """Shows a table of every setting in which the lanes differ, by its name and its value in each lane."""
    st.subheader("What differs in the set-up")
    rows = [[place, *values] for place, values in differences(experiments, catalogue())]
    heads = [f"{number} {name}" for number, name in enumerate(names, 1)]
    if rows:
        st.markdown(texts.table(["Setting", *map(texts.escaped, heads)], [list(map(texts.escaped, r)) for r in rows]))
    else:
        st.markdown("Nothing: all lanes have exactly the same set-up, seed included.")


def outcomes(rows: Sequence[JSON]) -> None:
    """Shows the numbers of finished runs beside each other."""
    st.subheader("Numbers")
    heads = [str(number) for number in range(1, len(rows) + 1)]
    st.markdown(texts.table(["Number", *heads, "Better for the attacker"], numbers(rows)))


def numbers(rows: Sequence[JSON]) -> list[list[str]]:
    """Returns a row for each metric, the iterations and the time: title, all values, and which way is better."""
    found = []
    for name, metric in catalogue()["metrics"].items():
        title = metric["title"] + (f" ({metric['unit']})" if metric.get("unit") else "")
        better = metric["better"] if name != "distance" or same_distance(rows) else "not comparable"
        found.append([title, *(scored(row, name) for row in rows), better])
    found.append(["Ended", *(word(row["status"]).lower() for row in rows), ""])
    found.append(["Iterations", *(f"{row['iteration']:,}" for row in rows), ""])
    times = [(row["result"] or {}).get("seconds") for row in rows]
    found.append(["Time", *("none" if value is None else duration(value) for value in times), "lower"])
    return found


def same_distance(rows: Sequence[JSON]) -> bool:
    """Returns whether the gradient distance means the same in all runs."""
    measures = [[row["experiment"]["attack"].get(part) for part in ("distance", "matched")] for row in rows]
    return all(measure == measures[0] for measure in measures)


def scored(row: JSON, name: str) -> str:
    """Returns a metric of a run's result. Labels that the attacker was told count as no achievement."""
    value = ((row["result"] or {}).get("metrics") or {}).get(name)
    if value is None:
        return "none"
    if name == "label_accuracy":
        return "told" if labels_revealed(row["experiment"]) else f"{value:.0%}".replace("%", " %")
    return WRITTEN.get(name, write_distance)(value)
