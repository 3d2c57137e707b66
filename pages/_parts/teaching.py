"""What the page hides and locks: as the address says, or a lesson, or the room's host, who set it for the session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from gradleak_core.config import teaching as config
from gradleak_core.config.teaching import Teaching
from gradleak_core.languages import LANGUAGES, language
from gradleak_core.translating import translate
from gradleak_core.types import JSON
from pages._parts.engine import service
from pages._parts.texts import note

WHY = "This is locked here."
STAYS = "What is locked or hidden here stays as it is."
FRAME = """<style>
header[data-testid=stHeader], [data-testid=stSidebar], [data-testid=stExpandSidebarButton] { display: none; }
[data-testid=stMainBlockContainer] { padding: 0.5rem 0.75rem; }
</style>"""
"""Takes the menu and the sidebar away, whose names are Streamlit's own: called otherwise, they stay."""
VIEWED = (*config.PIECES, "defence", "wire")
"""What a live view has to know of."""


def teaching() -> Teaching:
    """Returns what is hidden and locked for this session; for a member of a room, what its host hides and locks too."""
    own = st.session_state.get("teaching") or Teaching()
    rules = room_rules()
    return replace(own, hidden=own.hidden | rules[0], locked=own.locked | rules[1]) if any(rules) else own


def room_rules() -> tuple[frozenset[str], frozenset[str]]:
    """Returns what the host of the room hides and locks for this person; nothing for the host, and outside a room."""
    desk = service() if get_script_run_ctx(suppress_warning=True) else None
    if desk is None or desk.room is None or not desk.asker.member or desk.asker.host:
        return frozenset(), frozenset()
    return frozenset(desk.room.hidden), frozenset(desk.room.locked)


@st.fragment(run_every=2)
def obey() -> None:
    """Runs the page of a member again when the host has hidden or locked something else."""
    rules = room_rules()
    if st.session_state.setdefault("room_rules", rules) != rules:
        st.session_state["room_rules"] = rules
        st.rerun()


def spoken() -> str:
    """Returns the code of the session's language; empty outside of a page, and where no address has named one."""
    return teaching().lang if get_script_run_ctx(suppress_warning=True) else ""


def hidden(name: str) -> bool:
    """Returns whether something is not shown: a station, a part of the Lab, or the path of a knob."""
    return teaching().hides(name)


def locked(name: str) -> bool:
    """Returns whether something is shown and cannot be changed."""
    return teaching().fixes(name)


def names(path: str) -> bool:
    """Returns whether a knob is locked for itself or with what it is part of, and not with its whole station."""
    return config.covers(teaching().locked - config.STATIONS.keys(), path) and locked(path)


def say_why(name: str) -> None:
    """Says beneath a control that it is locked, if it is."""
    if locked(name):
        note(f":material/lock: {WHY}")


def asked() -> dict[str, list[str]]:
    """Returns what the address says of teaching. Streamlit keeps `embed` to itself, so the whole query is read."""
    context = get_script_run_ctx()
    query = parse_qs(context.query_string if context else "")
    return {key: query[key] for key in config.TEACHING_KEYS if key in query}


def read_address(catalogue: JSON = None) -> None:
    """Takes over what the address asks for, if that has changed. What others set for the session stays otherwise."""
    query = asked()
    if query and query != st.session_state.get("taught"):
        found = config.read_teaching(query, catalogue)
        st.session_state.update(teaching=found, taught=query, untold=list(found.complaints))


def complaints() -> list[str]:
    """Returns what of the address made no sense, once."""
    return st.session_state.pop("untold", [])


def write_address(shown: str | None = None) -> dict[str, str]:
    """Returns what an address has to say so that a link keeps teaching; Streamlit keeps `embed` itself.

    The moment is left out where another run or race is `shown` than the one it was meant for.
    """
    kept = teaching() if start_at(shown) is not None else replace(teaching(), at=None)
    written = config.write_teaching(kept)
    st.session_state["taught"] = {key: [text] for key, text in written.items()}
    return {key: text for key, text in written.items() if key != "embed"}


def keep_in_address() -> None:
    """Writes teaching into the address of a page that has others of its own, so that a reload keeps it."""
    for key, text in write_address(st.query_params.get("race") or st.query_params.get("run")).items():
        if st.query_params.get_all(key) != [text]:
            st.query_params[key] = text


def keep_language() -> None:
    """Writes the session's language into the address of a page that has hidden parts of its own."""
    if (lang := teaching().lang) and st.query_params.get("lang") != lang:
        st.query_params["lang"] = lang
        st.session_state["taught"] = {"lang": [lang]}


def start_at(shown: str | None) -> int | None:
    """Returns the iteration at which a run or a race is shown first; None for any but the first that is on show."""
    if teaching().at is None or shown is None:
        return None
    meant = st.session_state.get("meant")
    if meant is None or meant[0] != teaching():
        meant = st.session_state["meant"] = (teaching(), shown)
    return teaching().at if meant[1] == shown else None


def for_view(shown: str | None) -> dict[str, Any]:
    """Returns what a live view hides, locks and starts at."""
    known = teaching()
    return {
        "lang": language(),
        "hidden": [name for name in VIEWED if known.hides(name)],
        "locked": [name for name in VIEWED if known.fixes(name)],
        "at": start_at(shown),
    }


def choose_language() -> None:
    """Shows the languages by their own names, and takes over another one for the session."""

    def take_over() -> None:
        chosen = st.session_state["language"]
        st.session_state["teaching"] = replace(teaching(), lang="" if chosen == "en" else chosen)

    st.segmented_control(
        translate("Language"), list(LANGUAGES), default=language(), required=True, key="language",
        on_change=take_over, format_func=LANGUAGES.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
