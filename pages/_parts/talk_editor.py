"""One talk with its chapters, to look at or to change. A change is kept as soon as it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from gradleak_core.config.races import race_title
from gradleak_core.config.titles import run_title
from gradleak_core.languages import LANGUAGES, say
from gradleak_core.talks.chapters import write_setup
from gradleak_core.talks.checks import find_warnings
from gradleak_core.talks.form import MOST_CHAPTERS, minutes_of, read_talk
from gradleak_core.talks.recordings import dump_recording, name_recording
from gradleak_core.talks.stored import outcomes_of, record_stored
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import UNFINISHED
from pages._parts import setup, texts
from pages._parts.engine import catalogue, found, found_race, service
from pages._parts.lanes import racing
from pages._parts.talk_chapter import chapter_form, chapter_view
from pages._parts.talk_list import open_talk, present, shelf
from pages._parts.talk_rehearsal import rehearsal, rehearse_button, rehearsing

KINDS = {"run": ":material/play_circle:", "race": ":material/sports_score:", "figure": ":material/animation:",
         "words": ":material/notes:"}  # fmt: skip
"""The icon of each kind of chapter."""
MOST_IN_SIGHT, LIST_HIGH = 8, 460
"""The chapters that the list shows at once, and the pixels that it takes where there are more."""
REFUSED_HIGH = 90
"""The pixels that are kept for a sentence on why a field was not kept, so that nothing moves."""
FIELD, ACTION = "talk-field", "talk-action"
"""Where it is said why a field was not kept, and why something could not be done."""


def editor(name: str) -> None:
    """Shows a talk: its title and length, its chapters, the open one of them, and what is done with all of it."""
    own = shelf().changeable(name)
    try:
        talk = shelf().read(name)
    except Refused as refused:
        st.error(texts.escaped(str(refused)), icon=":material/error:")
        return
    with st.container(horizontal=True):
        st.button(say("All talks"), icon=":material/arrow_back:", key="all-talks", on_click=open_talk, args=(None,))
        present(name, disabled=not talk["chapters"])
        files(name, talk)
        if own:
            rehearse_button(name, talk)
            dispose(name)
        elif shelf().own is not None:
            st.button(say("Make a copy to change"), icon=":material/content_copy:", on_click=copy, args=(name,))
    if own:
        head(name, talk)
    else:
        st.subheader(texts.escaped(talk["title"]))
    texts.show_refusal(ACTION)
    if own and rehearsal(name):
        return
    chapters(name, talk, own)


def head(name: str, talk: JSON) -> None:
    """Shows the fields of the talk itself."""
    title, minutes, spoken = st.columns([6, 2, 2])
    edition = st.session_state.get("edition", 0)
    fields: list[tuple[str, Any]] = [
        ("title", title.text_input(say("Title"), talk["title"], key=f"talk-title:{name}:{edition}", max_chars=100)),
        ("minutes", minutes.number_input(say("Minutes"), 1.0, 240.0, float(talk["minutes"]), 1.0, format="%g",
                                         key=f"talk-minutes:{name}:{edition}")),
        ("language", spoken.selectbox(say("Language"), [*LANGUAGES], [*LANGUAGES].index(talk["language"]),
                                      format_func=LANGUAGES.get, key=f"talk-language:{name}:{edition}")),
    ]  # fmt: skip
    changed = {field: value for field, value in fields if value != talk[field]}
    if changed and change(name, lambda whole: whole.update(changed)):
        talk.update(changed)


def chapters(name: str, talk: JSON, own: bool) -> None:
    """Shows the list of chapters beside the one that is open."""
    count = len(talk["chapters"])
    at = max(0, min(st.session_state.get("chapter", 0), count - 1))
    listed, shown = st.columns([2, 3], gap="large")
    with listed, st.container(height=LIST_HIGH if count > MOST_IN_SIGHT else "content", border=False):
        for place, chapter in enumerate(talk["chapters"]):
            st.button(f"{place + 1}. {texts.escaped(chapter['title'])}", key=f"chapter:{place}", width="stretch",
                      icon=KINDS[chapter["show"]], type="primary" if place == at else "secondary",
                      on_click=choose, args=(place,))  # fmt: skip
    with listed:
        takes = say("Together {takes} of {minutes} minutes.", takes=f"{minutes_of(talk):g}",
                    minutes=f"{talk['minutes']:g}")  # fmt: skip
        texts.note(takes if count else say("There are no chapters yet. Add the first one."))
        if own:
            adding(name, count)
    with shown:
        if count and own:
            chapter_form(name, talk, at, lambda act: change(name, act))
            with st.container(height=REFUSED_HIGH, border=False):
                texts.show_refusal(FIELD)
        elif count:
            chapter_view(talk["chapters"][at])
    warned(name, talk)


def warned(name: str, talk: JSON) -> None:
    """Shows what may go wrong on the day."""
    desk, known = service(), catalogue()
    sentences = find_warnings(
        talk, known, lambda one: desk.admit(one, known), lambda file: shelf().recording(name, file)
    )
    if sentences:
        st.subheader(say("Before the day"))
        st.markdown("\n".join(f"- {texts.escaped(sentence)}" for sentence in sentences))


def choose(place: int) -> None:
    """Opens a chapter."""
    st.session_state["chapter"] = place


def change(name: str, act: Callable[[JSON], Any]) -> bool:
    """Changes a talk and keeps it, or notes why that cannot be. Returns whether it is kept."""
    with texts.refusing(FIELD):
        talk = shelf().read(name)
        act(talk)
        whole, mistakes = read_talk(talk)
        if mistakes:
            raise Refused(mistakes[0])
        shelf().write(name, whole)
        return True
    return False


def adding(name: str, count: int) -> None:
    """Shows the buttons that add a chapter at the end."""
    full = count >= MOST_CHAPTERS
    experiment = setup.kept()
    lanes = racing(experiment)[0] or [experiment]
    with st.popover(say("Add a chapter"), icon=":material/add:", width="stretch", disabled=full,
                    key=f"add-chapter:{st.session_state.get('edition', 0)}"):  # fmt: skip
        run, race = found(setup.shown()), found_race(setup.shown_race())
        rows = race["lanes"] if race else [run] if run else []
        if rows and all(row["status"] not in UNFINISHED and row["problem"] is None for row in rows):
            label = say("Add this race, recorded") if race else say("Add this run, recorded")
            st.button(label, width="stretch", key="add-shown", help=texts.escaped(rows[0]["name"]),
                      on_click=add_rows, args=(name, rows))  # fmt: skip
        st.button(say("Add the set-up of the Lab"), width="stretch", key="add-setup", on_click=add_setup,
                  args=(name, lanes), help=texts.escaped(title_of(lanes)))  # fmt: skip
        figure = {"show": "figure", "title": say("What a gradient is"), "figure": "gradient"}
        words = {"show": "words", "title": say("New chapter"), "lines": [say("A line")]}
        for key, label, chapter in (("figure", say("Add a figure"), figure), ("words", say("Add words"), words)):
            st.button(label, width="stretch", key=f"add-{key}", on_click=append, args=(name, chapter))


def title_of(lanes: list[JSON]) -> str:
    """Returns a title for a run, or for a race of several lanes."""
    known = catalogue()
    return (race_title(lanes, known) if len(lanes) > 1 else run_title(lanes[0], known))[:100]


def add_setup(name: str, lanes: list[JSON]) -> None:
    """Adds a chapter for a run or a race that is set up in the Lab."""
    kind = "race" if len(lanes) > 1 else "run"
    append(name, {"show": kind, "title": title_of(lanes), "setup": write_setup(lanes, catalogue())})


def add_rows(name: str, rows: list[JSON]) -> None:
    """Adds a chapter for runs that the server has, with their recording and what came of them."""
    with texts.refusing(ACTION):
        lanes = [row["experiment"] for row in rows]
        title = title_of(lanes)
        recording = record_stored(service(), [row["id"] for row in rows], title)
        chapter = {"show": "race" if len(rows) > 1 else "run", "title": title, "recording": ""}
        taken = [one["recording"] for one in shelf().read(name)["chapters"]]
        file = name_recording(chapter, len(taken) + 1, taken)
        shelf().write_recording(name, file, dump_recording(recording))
        made = {"setup": write_setup(lanes, catalogue()), "expect": outcomes_of(recording), "recording": file}
        append(name, chapter | made)


def append(name: str, chapter: JSON) -> None:
    """Adds a chapter at the end and opens it."""
    change(name, lambda talk: talk["chapters"].append(chapter))
    st.session_state["chapter"] = MOST_CHAPTERS
    renew()


def renew() -> None:
    """Has every field made anew, because what stood in its place is another now."""
    st.session_state["edition"] = st.session_state.get("edition", 0) + 1


def copy(name: str) -> None:
    """Keeps a copy of a talk and opens it."""
    with texts.refusing(ACTION):
        open_talk(shelf().copy(name))


def files(name: str, talk: JSON) -> None:
    """Shows the files that a talk can be taken along as."""
    with st.popover(say("Download"), icon=":material/download:", disabled=not talk["chapters"]):
        kinds = {
            "json": say("talk.json, to keep or to commit"),
            "html": say("One page that plays without a server"),
            "zip": say("Pictures for slides, 1920 × 1080"),
            "mp4": say("A film of all chapters"),
        }
        for kind, label in kinds.items():
            st.link_button(label, f"./api/talks/{name}/export.{kind}", width="stretch")


def dispose(name: str) -> None:
    """Shows the button that deletes a talk, which asks first."""
    with st.popover(say("Delete"), icon=":material/delete:", disabled=rehearsing(name)):
        st.markdown(say("This deletes the talk and its recordings."))
        st.button(say("Delete it"), key=f"delete-talk:{name}", on_click=delete, args=(name,))


def delete(name: str) -> None:
    """Deletes a talk and shows the list."""
    with texts.refusing(ACTION):
        shelf().delete(name)
        open_talk(None)
