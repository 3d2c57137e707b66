"""A rehearsal on the page: the runs and races of a talk, one chapter after another, on the server's workers."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from gradleak_core.languages import say
from gradleak_core.runs.access import NoRun
from gradleak_core.talks.recordings import dump_recording, find_surprises, lanes_of, name_recording, seconds_of, word_of
from gradleak_core.talks.shelf import NoTalk
from gradleak_core.talks.stored import has_ended, record_stored, start_chapter
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import duration
from pages._parts import texts
from pages._parts.engine import service
from pages._parts.talk_list import shelf

STATE = "rehearsal"


def rehearsing(name: str) -> bool:
    """Returns whether a talk is being rehearsed in this tab."""
    state = st.session_state.get(STATE)
    return bool(state and state["talk"] == name and state["at"] is not None)


def rehearse_button(name: str, talk: JSON) -> None:
    """Shows the button that begins a rehearsal."""
    playable = [at for at, chapter in enumerate(talk["chapters"]) if chapter["show"] in ("run", "race")]
    st.button(say("Rehearse"), icon=":material/fiber_manual_record:", key="rehearse", on_click=begin,
              args=(name, playable), disabled=not playable or rehearsing(name),
              help=say("Runs every run and race once, and records it for the day when one fails."))  # fmt: skip


def rehearsal(name: str) -> bool:
    """Shows how far a rehearsal is, or what came of it. Returns whether one goes on."""
    if rehearsing(name):
        follow()
        return True
    state = st.session_state.get(STATE)
    if state and state["talk"] == name:
        st.markdown("\n".join(f"- {texts.escaped(sentence)}" for sentence in state["said"]))
    return False


def begin(name: str, playable: list[int]) -> None:
    """Begins a rehearsal of the chapters at some places."""
    st.session_state[STATE] = {"talk": name, "left": playable, "of": len(playable), "at": -1, "runs": [], "said": []}
    go_on()


def go_on() -> None:
    """Starts the next chapter, or ends the rehearsal after the last."""
    state = st.session_state[STATE]
    while state["left"]:
        state["at"], state["left"] = state["left"][0], state["left"][1:]
        chapter = shelf().read(state["talk"])["chapters"][state["at"]]
        try:
            state.update(runs=start_chapter(service(), chapter), chapter=chapter)
            return
        except (Refused, LookupError) as error:
            tell(chapter, str(error))
    state["at"] = None


def tell(chapter: JSON, sentence: str) -> None:
    """Notes what came of a chapter."""
    state = st.session_state[STATE]
    state["said"].append(f"{chapter['title']}: {sentence}")


@st.fragment(run_every="0.5s")
def follow() -> None:
    """Shows how far a rehearsal is, and keeps the recording of a chapter that is over."""
    state = st.session_state[STATE]
    try:
        over = has_ended(service(), state["runs"])
    except NoRun as error:
        over = True
        tell(state["chapter"], str(error))
        state["runs"] = []
    if over:
        if state["runs"]:
            record()
        go_on()
        if state["at"] is None:
            st.rerun()
    done = state["of"] - len(state["left"]) - 1
    title = state["chapter"]["title"]
    st.progress(
        done / state["of"], say("Chapter {number}: {title}", number=state["at"] + 1, title=texts.escaped(title))
    )
    texts.note(say("Stay on this page until it is done."))
    st.button(say("Stop the rehearsal"), key="stop-rehearsal", on_click=stop)
    st.markdown("\n".join(f"- {texts.escaped(sentence)}" for sentence in state["said"]))


def record() -> None:
    """Keeps the recording of the chapter that is over, unless the talk has changed meanwhile."""
    state = st.session_state[STATE]
    name, at, chapter = state["talk"], state["at"], state["chapter"]
    try:
        recording = record_stored(service(), state["runs"], chapter["title"])
        talk = shelf().read(name)
        if at >= len(talk["chapters"]) or talk["chapters"][at]["setup"] != chapter["setup"]:
            return
        file = name_recording(talk["chapters"][at], at + 1, [one["recording"] for one in talk["chapters"]])
        shelf().write_recording(name, file, dump_recording(recording))
        talk["chapters"][at]["recording"] = file
        shelf().write(name, talk)
    except (Refused, NoRun, NoTalk) as error:
        tell(chapter, str(error))
        return
    words = ", ".join(word_of(lane) for lane in lanes_of(recording))
    took = f"{duration(seconds_of(recording))}; {words}."
    tell(chapter, " ".join([took, *(f"Chapter {at + 1}: {said}" for said in find_surprises(chapter, recording))]))


def stop() -> None:
    """Ends a rehearsal and the run that it waits for."""
    state = st.session_state[STATE]
    for run in state["runs"]:
        with suppress(Refused, NoRun):
            service().stop(run)
    state.update(at=None, left=[])
