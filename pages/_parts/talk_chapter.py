"""One chapter of a talk: its fields, to read or to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from gradleak_core.config.races import lane_names
from gradleak_core.languages import say
from gradleak_core.talks.chapters import find_experiments
from gradleak_core.talks.form import FIGURES, MOST_CHAPTERS, MOST_NOTES
from gradleak_core.types import JSON, Refused
from pages._parts import texts
from pages._parts.engine import catalogue, service

Change = Callable[[Callable[[JSON], Any]], bool]
"""Changes the talk by what a function does to it and keeps it, unless that is refused. Returns whether it is kept."""
EXPECTED = {"any": "nothing", "leaks": "it comes back", "holds": "it stays hidden"}
"""What a title can say of a picture."""


def chapter_form(name: str, talk: JSON, at: int, change: Change) -> None:
    """Shows the fields of a chapter. What differs from what is kept is kept."""
    chapter = talk["chapters"][at]
    key = f"{name}:{at}:{st.session_state.get('edition', 0)}"
    places(at, len(talk["chapters"]), change)
    title, minutes = st.columns([4, 1])
    now: dict[str, Any] = {
        "title": title.text_input(say("Title line"), chapter["title"], key=f"title:{key}", max_chars=100),
        "minutes": minutes.number_input(say("Minutes"), 0.1, 60.0, float(chapter["minutes"]), 0.5, format="%g",
                                        key=f"minutes:{key}"),
    }  # fmt: skip
    now |= FORMS[chapter["show"]](chapter, key)
    now["notes"] = st.text_area(say("Notes for the speaker"), chapter["notes"], key=f"notes:{key}", height=180,
                                max_chars=MOST_NOTES)  # fmt: skip
    changed = {field: value for field, value in now.items() if value != chapter[field]}
    if changed and change(lambda whole: whole["chapters"][at].update(changed)):
        st.rerun()


def places(at: int, count: int, change: Change) -> None:
    """Shows the buttons that move a chapter or take it out."""

    def move(by: int) -> None:
        change(lambda talk: talk["chapters"].insert(at + by, talk["chapters"].pop(at)))
        step(at + by)

    def take_out() -> None:
        change(lambda talk: talk["chapters"].pop(at))
        step(min(at, count - 2))

    with st.container(horizontal=True):
        st.button(say("Up"), icon=":material/arrow_upward:", disabled=not at, on_click=move, args=(-1,))
        st.button(say("Down"), icon=":material/arrow_downward:", disabled=at == count - 1, on_click=move, args=(1,))
        st.button(say("Take out"), icon=":material/close:", on_click=take_out)


def step(at: int) -> None:
    """Opens the chapter at a place, with fields made anew."""
    edition = st.session_state.get("edition", 0) + 1
    st.session_state.update(chapter=max(0, min(at, MOST_CHAPTERS)), edition=edition)


def run_form(chapter: JSON, key: str) -> dict[str, Any]:
    """Shows the fields of a run or a race, and returns their values."""
    covered = st.toggle(say("Cover the private picture at the start"), chapter["covered"], key=f"covered:{key}")
    link = st.text_input(say("Set-up, as a link of the Lab"), chapter["setup"], key=f"setup:{key}", max_chars=4000)
    st.link_button(say("Open it in the Lab"), f"./?{link.rpartition('?')[2]}", icon=":material/science:")
    now = {"covered": covered, "setup": link, "show": "race" if "lane=" in link else "run"}
    try:
        desk, known = service(), catalogue()
        experiments = find_experiments(chapter | {"setup": link}, known, lambda one: desk.admit(one, known))
    except Refused as refused:
        st.error(texts.escaped(str(refused)), icon=":material/error:")
        return now
    names = lane_names(experiments, known) if len(experiments) > 1 else [""]
    expected = [*chapter["expect"], *["any"] * len(names)]
    chosen = [expect(name, expected[place], f"expect:{place}:{key}") for place, name in enumerate(names)]
    while chosen and chosen[-1] == "any":
        chosen.pop()
    return now | {"expect": chosen}


def expect(name: str, now: str, key: str) -> str:
    """Shows what the title says of one picture, and returns it."""
    label = say("The title says of {name}", name=name) if name else say("The title says")
    shown = st.segmented_control(texts.escaped(label), [*EXPECTED], default=now, key=key, required=True,
                                 format_func=lambda one: texts.segment(say(EXPECTED[one])))  # fmt: skip
    return str(shown or "any")


def figure_form(chapter: JSON, key: str) -> dict[str, Any]:
    """Shows which figure a chapter has, and returns it."""
    place = FIGURES.index(chapter["figure"])
    return {"figure": st.selectbox(say("Figure of How it works"), FIGURES, place, key=f"figure:{key}")}


def words_form(chapter: JSON, key: str) -> dict[str, Any]:
    """Shows the lines of a chapter, and returns them."""
    text = st.text_area(
        say("Lines to show, at most eight"), "\n".join(chapter["lines"]), key=f"lines:{key}", height=140
    )
    return {"lines": [line.strip() for line in text.splitlines() if line.strip()]}


FORMS: dict[str, Callable[[JSON, str], dict[str, Any]]] = {
    "run": run_form, "race": run_form, "figure": figure_form, "words": words_form,
}  # fmt: skip


def chapter_view(chapter: JSON) -> None:
    """Shows a chapter that cannot be changed."""
    st.subheader(texts.escaped(chapter["title"]))
    for line in chapter["lines"]:
        st.markdown(texts.escaped(line))
    if chapter["show"] in ("run", "race"):
        st.link_button(say("Open it in the Lab"), f"./?{chapter['setup']}", icon=":material/science:")
    if chapter["figure"]:
        texts.note(say("The figure “{name}” of How it works.", name=chapter["figure"]))
    if chapter["notes"]:
        st.markdown(f"**{say('Notes for the speaker')}**")
        for paragraph in chapter["notes"].split("\n\n"):
            st.markdown(texts.escaped(paragraph))
