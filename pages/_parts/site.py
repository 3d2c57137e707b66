"""The pages, in the order of the menu."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parents[1]
ASSETS = FOLDER.parent / "assets"


def pages() -> dict[str, st.Page]:
    """By name; the objects can be given to `st.navigation`, `st.switch_page` and `st.page_link`."""
    rows = {
        "lab": ("Lab", ":material/science:", "", "Choose a picture, a model, a defence and an attack, and watch."),
        "runs": ("Runs", ":material/history:", "runs", "Everything that was run: open, compare, repeat, export."),
        "how_it_works": (
            "How it works",
            ":material/menu_book:",
            "how-it-works",
            "Attacks and defences, with their source.",
        ),
        "about": ("About", ":material/info:", "about", "This machine, the limits of what you see, and licences."),
    }
    return {
        name: st.Page(FOLDER / f"{name}.py", title=title, icon=icon, url_path=path, default=name == "lab", help=text)
        for name, (title, icon, path, text) in rows.items()
    }
