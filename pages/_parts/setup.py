"""The set-up of one tab: an experiment that is kept while pages change, and mirrored in the address bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from gradleak_core.config import knobs, links
from gradleak_core.config.races import lane_text
from gradleak_core.config.teaching import TEACHING_KEYS, keep_fixed
from gradleak_core.people import SIGN
from gradleak_core.types import JSON, Refused
from pages._parts import teaching
from pages._parts.engine import catalogue, found, found_race, service, usable


def current() -> JSON:
    """Returns the experiment that pressing Run would start."""
    return st.session_state["setup"]


def kept() -> JSON:
    """Returns the set-up, or the default one on a page that was opened before the Lab."""
    return st.session_state.get("setup") or knobs.start(catalogue())


def shown() -> str | None:
    """Returns the run on show, if any."""
    return st.session_state.get("run")


def watched() -> JSON | None:
    """Returns the run of a watch-only link, if the page was opened by one."""
    return found(st.query_params.get("run")) if watches("run") else None


def watches(what: str) -> bool:
    """Returns whether the page was opened to watch what the address names, which a link of others always does."""
    return "watch" in st.query_params or SIGN in st.query_params.get(what, "")


def watched_race() -> JSON | None:
    """Returns the race of a watch-only link, if the page was opened by one and all of its lanes can be shown."""
    return usable_race(st.query_params.get("race")) if watches("race") else None


def replace(experiment: JSON, run: str | None = None, lanes: Sequence[str] = (), race: str | None = None) -> None:
    """Replaces the whole set-up, and the run or the race on show. `lanes` says how those of a race differ."""
    st.session_state.update(setup=experiment, run=run, lanes=list(lanes), race=race, welcome=False, complaints=[])


def take(experiment: JSON, run: str | None = None, lanes: Sequence[str] = (), race: str | None = None) -> None:
    """Replaces the set-up as somebody wants who may not change what is hidden or locked: that stays, and it is said."""
    kept = allowed(experiment)
    own = st.session_state.get("lanes", []) if teaching.locked("race") and "setup" in st.session_state else lanes
    replace(kept, run, own, race)
    if kept != experiment:
        st.session_state["complaints"] = [teaching.STAYS]


def allowed(experiment: JSON) -> JSON:
    """Returns an experiment in which what is hidden or locked is as in the set-up, if there is one yet."""
    before = st.session_state.get("setup")
    return keep_fixed(experiment, before, teaching.teaching()) if before else experiment


def lanes() -> list[str]:
    """Returns how each further lane of a race differs from the set-up, as `config.races` writes it."""
    return list(st.session_state.get("lanes", []))


def shown_race() -> str | None:
    """Returns the race on show, if any."""
    return st.session_state.get("race")


def show(run: str | None) -> None:
    """Shows another run, and keeps the set-up, but for the seed of a run that was given a fresh one."""
    row = usable(run) if run != shown() and service().asker.in_room else None
    st.session_state.update(run=run, welcome=False)
    if row and row["experiment"] | {"seed": None} == current() | {"seed": None}:
        st.session_state["setup"] = row["experiment"]


def change(path: str, value: Any) -> None:
    """Changes one knob of the set-up, unless the value is refused. The run on show stays."""
    try:
        if teaching.locked(path):
            raise Refused(teaching.STAYS)
        st.session_state["setup"] = allowed(knobs.put(current(), path, value, catalogue()))
        st.session_state["welcome"] = False
    except Refused as refused:
        st.session_state.setdefault("refusals", {})[path] = str(refused)


def restore() -> None:
    """Reads the address bar if this page did not write it: after a link, Back, or on a first visit."""
    query = {key: st.query_params.get_all(key) for key in st.query_params if key not in TEACHING_KEYS}
    state = st.session_state
    if "setup" in state and (own_address(query) if query else not back_at_first()):
        return
    run, race = query.pop("run", [None])[-1], query.pop("race", [None])[-1]
    lanes = list(dict.fromkeys(query.pop("lane", [])))
    query.pop("watch", None)
    row = usable(run)
    stored = usable_race(race)
    if stored and not query:
        experiment, *others = (lane["experiment"] for lane in stored["lanes"])
        lanes, complaints = [lane_text(lane, experiment, catalogue()) for lane in others], []
    elif row is not None and not query:
        experiment, complaints = row["experiment"], []
    else:
        experiment, said = links.read_leniently(query, catalogue())
        complaints = [links.tell_plainly(sentence, catalogue()) for sentence in said]
    if run and row is None:
        complaints.append(missing(run, bool(query), whole=not complaints))
    if race and not stored:
        complaints.append(f"This link's race is not stored here, or cannot be shown{instead('race again', lanes)}")
    complaints += teaching.complaints()
    first = not (query or run or race or lanes)
    state.update(setup=experiment, run=run if row else None, welcome=first, complaints=complaints)
    state.update(lanes=lanes, race=race if stored else None)


def usable_race(race: str | None) -> JSON | None:
    """Returns a stored race; None where it is gone or cannot be used here."""
    stored = found_race(race)
    return stored if stored and all(row["problem"] is None for row in stored["lanes"]) else None


def missing(run: str, described: bool, *, whole: bool) -> str:
    """Says why the run of a link is not shown and, if the `whole` link was understood, what is shown instead."""
    if damaged := found(run):
        return str(damaged["problem"])
    return f"This link's run is not stored here{instead('start it', described) if whole else '.'}"


def instead(again: str, described: object) -> str:
    """Ends a sentence on something that a link names and that is not here: what can be done instead."""
    return f"; press Run it live to {again}." if described else "; this is the first set-up instead."


def own_address(query: dict[str, list[str]]) -> bool:
    """Returns whether this page wrote an address; a browser that is slow may not have the run in it yet."""
    written = {
        name: values for name, values in (st.session_state.get("written") or {}).items() if name not in TEACHING_KEYS
    }
    return query in (written, {name: values for name, values in written.items() if name not in ("run", "race")})


def back_at_first() -> bool:
    """Returns whether Back has led to the bare address of a first visit. The menu's bare address keeps the set-up."""
    context = get_script_run_ctx()
    return getattr(context, "is_history_navigation", False) and not st.session_state.get("left")


def write() -> None:
    """Writes the whole set-up into the address bar, and the run on show unless that is of another set-up."""
    row = found(shown())
    run = shown() if row and row["experiment"] == current() else []
    query = links.to_query(current(), catalogue()) | {"lane": lanes(), "run": run or [], "race": shown_race() or []}
    query |= teaching.write_address(shown_race() or shown())
    query = {key: value for key, value in query.items() if value}
    written = {key: [value] if isinstance(value, str) else value for key, value in query.items()}
    if written != {key: st.query_params.get_all(key) for key in st.query_params}:
        st.query_params.from_dict(query)
    st.session_state["written"] = written


def open_form(at: str) -> None:
    """Opens the form of a link that teaches, which may start at an iteration, given as text."""
    st.session_state["sharing"] = int(at) if at.isdecimal() else 0


def refusal(path: str) -> str | None:
    """Returns why the last change of this knob was refused. It is told only once."""
    return st.session_state.get("refusals", {}).pop(path, None)


def complaints() -> list[str]:
    """Returns what else could not be understood or done since the page was last drawn."""
    said = [*st.session_state.pop("complaints", []), *st.session_state.pop("refusals", {}).values()]
    return list(dict.fromkeys([*said, *teaching.complaints()]))
