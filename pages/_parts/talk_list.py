"""The talks that there are: what each takes, how it is presented, and how another one is begun."""

from __future__ import annotations

from typing import Any

import streamlit as st

from gradleak_core.languages import LANGUAGES, language, say
from gradleak_core.talks.form import TALK_BYTES, parse_talk
from gradleak_core.talks.shelf import NoTalk, Shelf, shelf_of
from gradleak_core.types import JSON, Refused
from pages._parts import texts
from pages._parts.engine import service
from pages._parts.entrance import entrance

NEW = "new-talk"


def shelf() -> Shelf:
    """Returns the talks that whoever opened this tab may see."""
    return shelf_of(service())


def opened() -> str | None:
    """Returns the name of the talk that the address names; None where there is no such talk."""
    name = st.query_params.get("talk")
    if not name:
        return None
    try:
        shelf().find(name)
    except NoTalk as error:
        st.warning(str(error), icon=":material/link_off:")
        return None
    return name


def listing() -> None:
    """Shows every talk, those that can be changed first, and above them how another one is begun."""
    st.markdown(
        say(
            "A talk is a list of chapters for the stage: runs, races, figures and words. Present one, or write your "
            "own from what you have set up in the Lab."
        )
    )
    found = shelf()
    if found.own is not None:
        begin()
    elif entrance("talks"):
        texts.note(say("In a room only the host changes talks."))
    for row in found.rows():
        card(row)


def begin() -> None:
    """Shows the buttons that begin a talk: an empty one, or one from a file."""
    asked = st.session_state.get("talks-asked", 0)  # another popover, and so a closed one, after each choice
    with st.container(horizontal=True):
        with st.popover(say("New talk"), icon=":material/add:", key=f"new-talk:{asked}"):
            st.text_input(say("Title"), key="new-title", max_chars=100)
            st.button(say("Begin the talk"), key="begin-talk", type="primary", on_click=create)
        with st.popover(say("Upload talk.json"), icon=":material/upload_file:", key=f"upload-talk:{asked}"):
            st.file_uploader("talk.json", "json", key="uploaded-talk", max_upload_size=1, label_visibility="collapsed")
            st.button(say("Take it"), key="take-talk", type="primary", on_click=take)
    texts.show_refusal(NEW)


def create() -> None:
    """Keeps an empty talk under the title that was typed, and opens it."""
    title = " ".join(st.session_state["new-title"].split()) or say("My talk")
    keep({"title": title, "minutes": 5, "language": language(), "chapters": []})


def take() -> None:
    """Keeps the talk in the file that was chosen, and opens it."""
    with texts.refusing(NEW):
        file = st.session_state["uploaded-talk"]
        if file is None:
            raise Refused(say("Choose a talk.json first."))
        keep(parse_talk(file.getvalue()[: TALK_BYTES + 1]))


def keep(talk: JSON) -> None:
    """Keeps a new talk and opens it."""
    with texts.refusing(NEW):
        found = shelf()
        name = found.new_name(talk["title"])
        found.write(name, talk)
        open_talk(name)


def open_talk(name: str | None) -> None:
    """Opens a talk on this page, or with None the list of all."""
    st.session_state.update({"chapter": 0, "talks-asked": st.session_state.get("talks-asked", 0) + 1})
    if name is None:
        st.query_params.pop("talk", None)
    else:
        st.query_params["talk"] = name


def card(row: JSON) -> None:
    """Shows one talk with its buttons."""
    name = row["name"]
    with st.container(border=True, key=f"talk-{name}"):
        said, buttons = st.columns(2, vertical_alignment="center")
        with said:
            st.markdown(f"**{texts.escaped(row['title'])}**  \n{describe(row)}")
        with buttons, st.container(horizontal=True, horizontal_alignment="right"):
            if row["problem"] is None:
                present(name, disabled=not row["chapters"])
            label = say("Edit") if row["changeable"] else say("Chapters")
            st.button(label, key=f"open-talk:{name}", icon=":material/toc:", on_click=open_talk, args=(name,))


def present(name: str, *, disabled: bool) -> None:
    """Shows the buttons that open the stage and the speaker's window."""
    stage = f"./stage?talk={name}"
    st.link_button(say("Present"), stage, type="primary", icon=":material/slideshow:", disabled=disabled)
    st.link_button(say("Speaker's window"), f"{stage}&speaker=1", icon=":material/speaker_notes:", disabled=disabled)


def describe(row: JSON) -> str:
    """Says how long a talk is and in which language, or why it cannot be shown."""
    if row["problem"] is not None:
        return texts.escaped(row["problem"])
    count = row["chapters"]
    chapters = say("1 chapter") if count == 1 else say("{count} chapters", count=count)
    facts: list[Any] = [say("{minutes} minutes", minutes=f"{row['minutes']:g}"), chapters, LANGUAGES[row["language"]]]
    return " · ".join(facts)
