"""The pieces of the page about claims, from `assets/claims.json`, which `python -m benchmarks.claims` writes."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import streamlit as st

from gradleak_core.config import links
from gradleak_core.verdicts import duration
from pages._parts import setup, texts
from pages._parts.note import note
from pages._parts.site import ASSETS, pages

JSON = Any
VERDICTS = {
    "reproduced": ("green", ":material/check_circle:"),
    "partly": ("orange", ":material/contrast:"),
    "not reproduced": ("red", ":material/cancel:"),
    "not tried yet": ("gray", ":material/hourglass_empty:"),
}


def rows() -> list[JSON]:
    """Returns every claim with its stored result."""
    found: list[JSON] = json.loads((ASSETS / "claims.json").read_text(encoding="utf-8"))
    return found


def verdict(row: JSON) -> str:
    return row["result"]["verdict"] if row["result"] else "not tried yet"


def tally(rows: list[JSON]) -> str:
    """Says how many claims have each verdict."""
    counted = Counter(map(verdict, rows))
    parts = [f"{counted[name]} {name}" for name in VERDICTS if counted[name]]
    return f"**{len(rows)} {'claim' if len(rows) == 1 else 'claims'}**: {', '.join(parts)}."


def card(row: JSON, known: JSON) -> None:
    """Shows one claim: its sentence, both numbers, the verdict, a way to the Lab, and how to cite the paper."""
    word = verdict(row)
    colour, icon = VERDICTS[word]
    with st.container(border=True, key=f"claim-{row['name']}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(row["title"], anchor=row["name"], width="content")
            st.badge(word.capitalize(), color=colour, icon=icon)  # type: ignore[arg-type]
        st.markdown(texts.escaped(row["sentence"]))
        theirs, ours = st.columns(2, gap="medium")
        with theirs:
            st.markdown(f"**The paper**  \n{texts.escaped(row['theirs'])}")
            note(texts.escaped(row["paper"]))
        with ours:
            result = row["result"]
            st.markdown(f"**Here**  \n{texts.escaped(result['ours']) if result else 'Not tried yet.'}")
            if result:
                took = duration(result["seconds"])
                note(texts.escaped(f"{result['place']}, {took}, {result['date']}; images: {result['images']}"))
        if row["account"]:
            st.markdown(f"**Why.** {texts.escaped(row['account'])}")
        query = live(row, known)
        if query is not None and st.button(
            "Watch it in the Lab", key=f"watch:{row['name']}", icon=":material/science:"
        ):
            to_lab(query, known)
        with st.expander("How it was tried, and how to cite the paper"):
            st.markdown(f"**Set-up.** {texts.escaped(row['setup'])}")
            st.markdown(f"**Refuted by.** {texts.escaped(row['refuted_by'])}")
            st.code(row["bibtex"], language="bibtex", wrap_lines=True)


def live(row: JSON, known: JSON) -> JSON:
    """Returns the claim's set-up in a size that suits this machine, as a query; None if it has none."""
    kinds = {device["kind"] for device in known["devices"]}
    return row["live"]["cuda" if "cuda" in kinds else "cpu"]


def to_lab(query: JSON, known: JSON) -> None:
    """Replaces the whole set-up by the claim's, and opens the Lab."""
    setup.replace(links.from_query(query, known))
    st.switch_page(pages()["lab"])
