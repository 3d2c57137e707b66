"""Streamlit as the pages use it: every text that it is given to show is in the session's language.

A page imports `st` from here. Texts are translated where they are handed over, so that a page is written in English
and an engine's sentence needs nothing of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import streamlit

from gradleak_core.translating import translate, translated_by

SHOWN = frozenset({
    "markdown", "title", "header", "subheader", "caption", "text", "html", "info", "warning", "error", "success",
    "toast", "button", "link_button", "download_button", "form_submit_button", "checkbox", "toggle", "selectbox",
    "multiselect", "segmented_control", "pills", "select_slider", "slider", "number_input", "text_input", "text_area",
    "radio", "file_uploader", "camera_input", "popover", "expander", "badge", "page_link", "metric", "Page", "spinner",
    "status",
})  # fmt: skip
"""What shows its first text."""
CHOOSERS = frozenset({"selectbox", "multiselect", "segmented_control", "pills", "select_slider", "radio"})
WORDS = ("label", "body", "help", "placeholder", "title", "text", "alt")
"""The names of what is shown where it is given by name."""


def in_words(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of Streamlit that translates what it shows."""

    @wraps(act)
    def acted(*args: Any, **options: Any) -> Any:
        if args and isinstance(args[0], str):
            args = (translate(args[0]), *args[1:])
        options |= {word: translate(options[word]) for word in WORDS if isinstance(options.get(word), str)}
        if name in CHOOSERS:
            options["format_func"] = translated_by(options.get("format_func", str))
        return act(*args, **options)

    return acted


class Speaking:
    """Streamlit, or a place on a page, whose texts are translated."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return in_words(name, found) if name in SHOWN else found

    def tabs(self, names: list[str], **options: Any) -> Any:
        """Returns tabs with translated names."""
        options |= {"default": translate(options["default"])} if "default" in options else {}
        return self._inner.tabs([translate(name) for name in names], **options)

    def columns(self, *args: Any, **options: Any) -> list[Speaking]:
        """Returns columns that translate what is written into them."""
        return [Speaking(column) for column in self._inner.columns(*args, **options)]

    def dialog(self, title: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Returns what makes a dialog of a function, whose title is translated when it is opened."""

        def made(act: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(act)
            def opened(*args: Any, **given: Any) -> Any:
                return self._inner.dialog(translate(title), **options)(act)(*args, **given)

            return opened

        return made

    def __enter__(self) -> Any:
        return self._inner.__enter__()

    def __exit__(self, *raised: Any) -> Any:
        return self._inner.__exit__(*raised)


def translated_data(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Returns data for a component in which the texts of these names are translated."""
    return {**data, **{name: translate(data[name]) for name in names if isinstance(data.get(name), str)}}


st: Any = Speaking(streamlit)
