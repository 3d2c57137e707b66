"""The form that makes a link which teaches: what it hides and locks, where it starts, and whether it is for a frame."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from gradleak_core.config import links
from gradleak_core.config.differences import knob_labels
from gradleak_core.config.teaching import PIECES, STATIONS, Teaching, all_paths, write_teaching
from gradleak_core.people import SIGN, write_reference
from gradleak_core.people.register import is_loopback
from gradleak_core.runs.access import NoRun
from pages._parts import setup, teaching
from pages._parts.copying import copy_button
from pages._parts.engine import catalogue, found, service
from pages._parts.entrance import apart
from pages._parts.share import WAYS, share
from pages._parts.speaking import st
from pages._parts.texts import note

TITLES = {
    "picture": "Picture", "model": "Model", "update": "Update", "defence": "Defence", "wire": "Wire",
    "attacker": "Attacker", "presets": "Examples", "race": "Race menu", "downloads": "Downloads", "charts": "Charts",
    "tiles": "The update", "scores": "Scores", "truth": "Private picture",
}  # fmt: skip
"""How the form calls the stations and the parts of the Lab."""
HEIGHT = 900
"""Pixels that a frame has for the Lab."""
NOWHERE_ELSE = (
    "This link opens on this machine only. For others, start GradLeak with --room and share from the address it prints."
)


def teaching_form() -> None:
    """Shows the form, if it was asked for."""
    if st.session_state.get("sharing") is not None:
        form()


def closed_form() -> None:
    st.session_state["sharing"] = None


@st.dialog("Share for teaching", width="large", on_dismiss=closed_form)
def form() -> None:
    """Asks what to hide, what to lock and where to start, and shows the link."""
    before, at = teaching.teaching(), st.session_state.get("sharing") or 0
    note("Whoever opens the link finds this set-up, and only what you leave.")
    hidden = choose_names("Hide", [*STATIONS, *PIECES], before.hidden)
    locked = choose_names("Lock", [*STATIONS, *(name for name in PIECES if name != "truth")], before.locked)
    what, name = on_show()
    with st.container(horizontal=True, gap="medium"):
        starts = st.toggle(f"Start at iteration {at:,}", key="share-at", disabled=not (name and at))
        watch = st.toggle("Watch only", key="share-watch", disabled=not name)
        embed = st.toggle("For a frame", before.embed, key="share-embed")
    if name and apart():
        share(what, name)
    made = Teaching(hidden, locked, at if starts and name else None, embed, before.lang)
    link = urljoin(st.context.url or "http://localhost/", f"./?{make_query(made, what, reference(what, name), watch)}")
    st.markdown("**The link**")
    st.code(link, language=None, wrap_lines=True)
    if is_loopback(urlsplit(link).hostname or ""):
        note(NOWHERE_ELSE)
    copy_button(link, key="copy-link")
    if embed:
        st.markdown("**The line for a page that shows it in a frame**")
        st.code(frame_line(link), language="html", wrap_lines=True)
        copy_button(frame_line(link), key="copy-frame")
        note("A page of another address may show it if the server names that address in GRADLEAK_FRAME_ANCESTORS.")


def choose_names(label: str, names: list[str], chosen: frozenset[str]) -> frozenset[str]:
    """Asks for stations and parts to tick, and for single knobs of the set-up."""
    ticked = st.pills(
        label, names, default=[name for name in names if name in chosen], selection_mode="multi",
        key=f"share-{label.lower()}", format_func=TITLES.__getitem__,
    )  # fmt: skip
    known = knob_titles()
    single = st.multiselect(
        f"{label} single knobs", list(known), [name for name in known if name in chosen],
        key=f"share-{label.lower()}-knobs", format_func=known.__getitem__, placeholder="None",
        label_visibility="collapsed" if not known else "visible",
    )  # fmt: skip
    return frozenset([*(ticked or []), *single])


def knob_titles() -> dict[str, str]:
    """Returns the knobs of the set-up by their paths, each with its label."""
    experiment = setup.current()
    titles: dict[str, str] = {}
    for path in all_paths(experiment):
        node: Any = experiment
        for word in path.split(".")[:-1]:
            node = next((one for one in node if one["kind"] == word), {}) if isinstance(node, list) else node[word]
        label = knob_labels(node if isinstance(node, Mapping) else {}, catalogue()).get(path.rpartition(".")[2])
        if label and path not in TITLES:
            titles[path] = f"{label} ({path})"
    return titles


def on_show() -> tuple[str, str | None]:
    """Returns whether a run or a race of this set-up is on show, and its id."""
    if race := setup.shown_race():
        return "race", race
    row = found(setup.shown())
    return "run", row["id"] if row and row["experiment"] == setup.current() and not setup.lanes() else None


def reference(what: str, name: str | None) -> str | None:
    """Returns what others name a run or a race by; None for what they may not see."""
    if name is None or not apart():
        return name
    try:
        link = WAYS[what][0](service(), name)
    except NoRun:
        return None
    return write_reference(name, link) if link else None


def make_query(made: Teaching, what: str, name: str | None, watch: bool) -> str:
    """Returns the query of a link to this set-up and, if there is one, the run or the race on show."""
    query: dict[str, Any] = dict(links.to_query(setup.current(), catalogue()))
    if lanes := setup.lanes():
        query["lane"] = lanes
    if name:
        alone = {"watch": "1"} if watch or SIGN in name else {}
        query = (query if not alone else {}) | {what: name} | alone
    return urlencode(query | write_teaching(made), doseq=True, safe=":,@/")


def frame_line(link: str) -> str:
    """Returns the HTML that shows a link in a frame."""
    return f'<iframe src="{escape(link)}" width="100%" height="{HEIGHT}" title="GradLeak" allow="fullscreen"></iframe>'
