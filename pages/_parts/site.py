"""The pages, in the order of the menu."""

from __future__ import annotations

from gradleak_core.places import SITE
from pages._parts.speaking import st

FOLDER = SITE / "pages"


def pages() -> dict[str, st.Page]:
    """Returns the pages by name, for `st.navigation`, `st.switch_page` and `st.page_link`."""
    rows = {
        "lab": ("Lab", ":material/science:", ""),
        "lessons": ("Lessons", ":material/school:", "lessons"),
        "runs": ("Runs", ":material/history:", "runs"),
        "trade_off": ("Trade-off", ":material/balance:", "trade-off"),
        "claims": ("Claims", ":material/fact_check:", "claims"),
        "how_it_works": ("How it works", ":material/menu_book:", "how-it-works"),
        "talks": ("Talks", ":material/co_present:", "talks"),
        "about": ("About", ":material/info:", "about"),
    }
    return {
        name: st.Page(FOLDER / f"{name}.py", title=title, icon=icon, url_path=path, default=name == "lab")
        for name, (title, icon, path) in rows.items()
    }
