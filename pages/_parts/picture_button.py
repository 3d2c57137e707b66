"""A picture that does something when it is pressed; `st.image` opens an empty full screen instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from gradleak_core.translating import translate

HTML = '<button type="button" tabindex="-1" aria-hidden="true"><img alt=""></button>'
CSS = """
button { display: block; padding: 0; border: 0; border-radius: 6px; background: none; line-height: 0; cursor: pointer; }
button:hover img { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
img { display: block; width: 100%; border-radius: 6px; }
"""
JS = """
export default function ({ data: [{ source, width, says }], parentElement, setTriggerValue }) {
  const button = parentElement.querySelector("button");
  button.style.width = width;
  [button.ariaLabel, button.ariaHidden] = says ? [says, null] : [null, "true"];
  button.firstElementChild.src = source;
  button.onclick = () => setTriggerValue("pressed", true);
}
"""

_mount = st.components.v2.component("gradleak_picture_button", html=HTML, css=CSS, js=JS)


def picture_button(
    source: str,
    *,
    width: int | None = None,
    says: str = "",
    key: str,
    on_click: Callable[..., None],
    args: tuple[Any, ...] = (),
) -> None:
    """Shows a picture, given as a `data:` address, that calls `on_click(*args)` when it is pressed.

    `width` is in pixels; without it the picture fills its container. It stands beside a button that does the same, so
    the keyboard passes it over, and so do screen readers unless `says` tells them what is in it.
    """
    size = "100%" if width is None else f"{width}px"
    _mount(
        # In a list, because Streamlit looks for tables among the values of a dict and imports pandas for it.
        data=[{"source": source, "width": size, "says": translate(says)}],
        key=key,
        width="stretch" if width is None else width,
        on_pressed_change=lambda: on_click(*args),
    )
