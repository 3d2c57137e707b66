"""A figure drawn by `plots`; `st.html` would take every SVG out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from gradleak_core.translating import translate

HTML = '<div class="figure"></div>'
CSS = """
.figure { color: var(--st-text-color); font-family: var(--st-font); line-height: 0; container-type: inline-size; }
.pickable [data-pick] { cursor: pointer; }
@container (max-width: 480px) {
  svg { overflow: visible; }
  text { font-size: 20px; }
  text[text-anchor=end] { font-size: 18px; }
  text[transform] { display: none; }
}
"""
JS = """
export default function ({ data: [{ svg, pickable }], parentElement, setTriggerValue }) {
  const figure = parentElement.querySelector(".figure");
  figure.innerHTML = svg;
  figure.classList.toggle("pickable", pickable);
  figure.onclick = event => {
    const picked = event.target.closest("[data-pick]");
    if (picked) setTriggerValue("picked", picked.dataset.pick);
  };
}
"""

_mount = st.components.v2.component("gradleak_figure", html=HTML, css=CSS, js=JS)


def figure(svg: str, *, key: str, on_pick: Callable[[str], Any] | None = None) -> None:
    """Shows a figure. `on_pick` is called with the label of a mark that is clicked."""

    def picked() -> None:
        if on_pick:
            on_pick(st.session_state[key]["picked"])

    # In a list, because Streamlit looks for tables among the values of a dict and imports pandas for it.
    _mount(data=[{"svg": translate(svg), "pickable": on_pick is not None}], key=key, on_picked_change=picked)
