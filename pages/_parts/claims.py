"""The pieces of the page about claims, from `assets/claims.json`, which `python -m benchmarks.claims` writes."""

from __future__ import annotations

import json
from collections import Counter

from gradleak_core.config import links
from gradleak_core.config.races import lane_text, read_lane
from gradleak_core.places import ASSETS
from gradleak_core.runs import races
from gradleak_core.types import JSON
from gradleak_core.verdicts import duration
from pages._parts import setup, texts
from pages._parts.engine import service
from pages._parts.figure import figure
from pages._parts.plots import value_plot
from pages._parts.site import pages
from pages._parts.speaking import st
from pages._parts.texts import note

ALL = "All papers"
VERDICTS = {
    "reproduced": ("green", ":material/check_circle:"),
    "partly": ("orange", ":material/contrast:"),
    "not reproduced": ("red", ":material/cancel:"),
    "not tried yet": ("gray", ":material/hourglass_empty:"),
}


def rows() -> list[JSON]:
    """Returns every claim with its stored result."""
    return json.loads((ASSETS / "claims.json").read_text(encoding="utf-8"))


def verdict(row: JSON) -> str:
    return row["result"]["verdict"] if row["result"] else "not tried yet"


def tally(rows: list[JSON]) -> str:
    """Says how many claims have each verdict."""
    counted = Counter(map(verdict, rows))
    parts = [f"{counted[name]} {name}" for name in VERDICTS if counted[name]]
    return f"**{len(rows)} {'claim' if len(rows) == 1 else 'claims'}**: {', '.join(parts)}."


def filtered(rows: list[JSON]) -> list[JSON]:
    """Asks for verdicts and a paper, and returns the claims that have them."""
    words = [name for name in VERDICTS if name in map(verdict, rows)]
    papers = list(dict.fromkeys(row["paper"] for row in rows))
    left, right = st.columns(2, gap="large", vertical_alignment="bottom")
    chosen = left.pills("Verdict", words, selection_mode="multi", key="verdicts", format_func=str.capitalize)
    paper = right.selectbox("Paper", [ALL, *papers], key="paper")
    return [row for row in rows if (not chosen or verdict(row) in chosen) and paper in (ALL, row["paper"])]


def heading(row: JSON) -> None:
    """Shows the title of a claim with its verdict, and its sentence."""
    word = verdict(row)
    colour, icon = VERDICTS[word]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(row["title"], anchor=row["name"], width="content")
        st.badge(word.capitalize(), color=colour, icon=icon)  # type: ignore[arg-type]
    st.markdown(texts.escaped(row["sentence"]))


def card(row: JSON, known: JSON) -> None:
    """Shows one claim: its sentence, both numbers, the verdict, a figure, and ways to run it and to cite the paper."""
    with st.container(border=True, key=f"claim-{row['name']}"):
        heading(row)
        said, drawn = st.columns([1, 1], gap="large")
        with said:
            st.markdown(f"**The paper**  \n{texts.escaped(row['theirs'])}")
            note(texts.escaped(row["paper"]))
            if row["account"]:
                st.markdown(f"**Why.** {texts.escaped(row['account'])}")
        with drawn:
            outcome(row)
        with st.container(horizontal=True):
            if live(row, known) is not None:
                st.button("Run it", key=f"run:{row['name']}", type="primary", icon=":material/play_arrow:",
                          on_click=begin, args=(row, known))  # fmt: skip
                if st.button("Open in the Lab", key=f"watch:{row['name']}", icon=":material/science:"):
                    to_lab(row, known)
        texts.show_refusal(f"run:{row['name']}")
        details(row)


def outcome(row: JSON) -> None:
    """Shows what came out here as a figure, or in words where there is none, and where it was measured."""
    result = row["result"]
    if not result:
        st.markdown("**Here**  \nNot tried yet.")
        return
    st.markdown("**Here**" if row["figure"] else f"**Here**  \n{texts.escaped(result['ours'])}")
    if row["figure"]:
        figure(value_plot(row["figure"]), key=f"figure:{row['name']}")
    took = duration(result["seconds"])
    note(texts.escaped(f"{result['place']}, {took}, {result['date']}; images: {result['images']}"))


def details(row: JSON) -> None:
    """Shows how a claim was tried, its numbers in a row, and how to cite the paper."""
    with st.expander("How it was tried, and how to cite the paper"):
        st.markdown(f"**Set-up.** {texts.escaped(row['setup'])}")
        if row["result"] and row["figure"]:
            st.markdown(f"**In numbers.** {texts.escaped(row['result']['ours'])}")
        st.markdown(f"**Refuted by.** {texts.escaped(row['refuted_by'])}")
        st.code(row["bibtex"], language="bibtex", wrap_lines=True)


def live(row: JSON, known: JSON) -> JSON:
    """Returns the claim's set-up in a size that suits this machine, as a query; None if it has none."""
    kinds = {device["kind"] for device in known["devices"]}
    return row["live"]["cuda" if "cuda" in kinds else "cpu"]


def lanes(row: JSON, known: JSON) -> list[JSON]:
    """Returns the experiments that show a claim: its own set-up, and those that it is compared with."""
    first = links.from_query(live(row, known), known)
    return [first, *(read_lane(half, first, known) for half in row["halves"])]


def begin(row: JSON, known: JSON) -> None:
    """Starts a claim under its name: its halves as a race, or the one that it has as a run."""
    experiments = lanes(row, known)
    with texts.refusing(f"run:{row['name']}"):
        if len(experiments) > 1:
            started = {"race": races.submit_race(service(), {"title": row["title"], "lanes": experiments})["id"]}
        else:
            started = {"run": service().submit(experiments[0], row["title"])}
        st.query_params.from_dict({"claim": row["name"]} | started)


def to_lab(row: JSON, known: JSON, run: str | None = None, race: str | None = None) -> None:
    """Replaces the whole set-up by the claim's, with what was run of it, and opens the Lab."""
    first, *others = lanes(row, known)
    setup.take(first, run, [lane_text(lane, first, known) for lane in others], race)
    st.switch_page(pages()["lab"])
