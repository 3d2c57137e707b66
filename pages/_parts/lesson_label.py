"""The bench on which a label is read off an update: bars of the last layer, and a name for the one below zero."""

from __future__ import annotations

import random
from html import escape

import streamlit as st

from gradleak_core.languages import say
from gradleak_core.lessons.last_layer import read_last_layer
from gradleak_core.lessons.reading import Lesson
from gradleak_core.types import JSON
from pages._parts import pictures, setup, texts
from pages._parts.engine import catalogue, found, service
from pages._parts.lesson_bench import progress
from pages._parts.recorded import gallery

PLACE = "label"
"""Where a refusal of the send button is kept."""


def label_bench(lesson: Lesson, *, ready: bool) -> None:
    """Shows the update of a picture that nobody sees, and asks for its label. Each update can be named once."""
    kept = progress(lesson.name)
    run = found(kept.get("letter"))
    named = kept["named"].get(kept.get("letter"))
    label = say("Have a client send its update") if run is None else say("Have another client send its update")
    st.button(label, key="send", type="primary" if run is None or named else "secondary", icon=":material/send:",
              disabled=not ready, on_click=send, args=(lesson,))  # fmt: skip
    texts.show_refusal(PLACE, "" if ready else say("First commit to a prediction."))
    if run is None:
        return
    started = service().find(run["id"])["started"] or {}
    if not started.get("update"):
        wait_for_update(run["id"])
        return
    names = catalogue()["classes"]
    st.html(write_bars(read_last_layer(started["update"]), names))
    with st.container(key=f"choice-label-{run['id']}"):
        st.radio(say("Whose row is it? This picture's label is"), range(len(names)), None, key=f"named:{run['id']}",
                 format_func=names.__getitem__, horizontal=True, disabled=named is not None)  # fmt: skip
    st.button(say("Name it"), key="name-it", type="primary" if named is None else "secondary",
              disabled=named is not None, on_click=name, args=(lesson, run["id"], started["labels"][0]))  # fmt: skip
    if named:
        reveal(run, named, names)


def send(lesson: Lesson) -> None:
    """Starts a run of the lesson's set-up with a picture drawn at random."""
    known = catalogue()
    samples = [f"sample:{sample}" for sample, row in known["samples"].items() if row["label"] is not None]
    experiment = setup.current() | {"images": [random.choice(samples)], "labels": None}
    with texts.refusing(PLACE):
        progress(lesson.name)["letter"] = service().submit(experiment, say("An update to read"))


@st.fragment(run_every=0.3)
def wait_for_update(run: str) -> None:
    """Reruns the page as soon as the update of a run is there, or the run has ended without one."""
    row = found(run)
    if row and (service().find(run)["started"] or {}).get("update"):
        st.rerun()
    ended = row is None or row["status"] in ("failed", "refused", "stopped", "interrupted")
    st.markdown(say("No update came. Have another client send one.") if ended else say("The update is on its way…"))


def name(lesson: Lesson, run: str, right: int) -> None:
    """Keeps the label that was named beside the right one."""
    label = st.session_state.get(f"named:{run}")
    if label is not None:
        progress(lesson.name)["named"][run] = (label, right)


def reveal(run: JSON, named: tuple[int, int], names: list[str]) -> None:
    """Shows the private picture, once its label was named."""
    label, right = named
    said = say("You named: {label}", label=names[label]), say("It is: {label}", label=names[right])
    st.html(gallery([pictures.thumbnail(run["experiment"]["images"][0])], *said))


def write_bars(values: dict[int, float], names: list[str]) -> str:
    """Returns a bar for each class, to the left of the middle where the entry is below zero."""
    rows = []
    for number, value in values.items():
        side = f"right:50%;width:{-50 * value:.1f}%" if value < 0 else f"left:50%;width:{50 * value:.1f}%"
        colour = "var(--st-blue-color, #1c83e1)" if value < 0 else "var(--st-orange-color, #d95a00)"
        bar = f'<span style="position:absolute;top:4px;bottom:4px;{side};background:{colour}"></span>'
        middle = '<span style="position:absolute;left:50%;top:0;bottom:0;border-left:1px solid currentColor"></span>'
        title = f'<span style="text-align:right">{escape(names[number])}</span>'
        rows.append(f'{title}<span style="position:relative;height:24px">{bar}{middle}</span>')
    said = escape(say("The last layer's entry of each class: below zero to the left, above zero to the right"))
    style = "display:grid;grid-template-columns:max-content 1fr;gap:0 12px;align-items:center;max-width:640px"
    return f'<div role="img" aria-label="{said}" style="{style}">{"".join(rows)}</div>'
