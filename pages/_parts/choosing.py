"""Choosing among the runs: the filter, the ticks, and what is done to all that are ticked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gradleak_core.config.differences import part_title
from gradleak_core.data.uploads import uploads_of
from gradleak_core.runs.several import MOST_TAGS, add_tag, all_tags, change_tags, delete_runs, remove_tag
from gradleak_core.types import JSON
from gradleak_core.verdicts import UNFINISHED, word
from pages._parts import texts
from pages._parts.engine import catalogue, service
from pages._parts.speaking import st
from pages._parts.texts import note

MANY = 6
"""The names that a question lists before the list scrolls."""
FIELDS = {"status": "Any status", "attack": "Any attack", "defence": "Any defence"}
"""What the runs can be filtered by beside their words: the key in the address, and what an empty field says."""


def kinds(row: JSON) -> dict[str, list[str]]:
    """Returns the words for the status, the attack and the defences of a run, by the fields of the filter."""
    found = {"status": [word(row["status"])], "attack": [], "defence": []}
    if row["problem"] is None:
        found["attack"] = [part_title(row["experiment"]["attack"], catalogue())]
        found["defence"] = [part_title(part, catalogue()) for part in row["experiment"]["defences"]] or ["No defence"]
    return found


def filtered(rows: Sequence[JSON]) -> list[JSON]:
    """Asks for words, a status, an attack and a defence, and returns the runs that have all of them."""
    described = [kinds(row) for row in rows]
    with st.container(horizontal=True, key="filter", vertical_alignment="bottom"):
        words = st.text_input(
            "Search titles, tags and files", key="q", bind="query-params", persist_state="page",
            label_visibility="collapsed", placeholder="Search titles, tags and files", icon=":material/search:",
            width=280, live=True,
        )  # fmt: skip
        wanted = {
            field: st.selectbox(
                field.capitalize(), sorted({one for each in described for one in each[field]}), index=None, key=field,
                bind="query-params", persist_state="page", label_visibility="collapsed", placeholder=empty, width=190,
            )
            for field, empty in FIELDS.items()
        }  # fmt: skip
    return [
        row for row, own in zip(rows, described, strict=True)
        if all(value is None or value in own[field] for field, value in wanted.items()) and has_words(row, words or "")
    ]  # fmt: skip


def has_words(row: JSON, words: str) -> bool:
    """Returns whether each of the words is in the run's title, its race's, a tag, or the name of its picture's file."""
    files = service().file_names(row["experiment"])
    files += ["your picture"] if uploads_of(row["experiment"]) else []
    text = " ".join([row["name"], (row["race"] or {}).get("title") or "", *row["tags"], *files]).casefold()
    return all(one in text for one in words.casefold().split())


def ticked(rows: Iterable[JSON]) -> list[JSON]:
    """Returns the runs that are ticked, on this page of the list or on another, in the order of the ticks."""
    kept = {row["id"]: row for row in rows}
    return [kept[run] for run in st.session_state.get("ticked", []) if run in kept]


def tick(row: JSON) -> None:
    """Shows the box that chooses a run. The choice is kept while the list is filtered and turned over."""
    run = row["id"]
    st.session_state[f"chosen:{run}"] = run in st.session_state.get("ticked", [])
    st.checkbox("Choose", key=f"chosen:{run}", on_change=note_tick, args=(run,))


def note_tick(run: str) -> None:
    others = [one for one in st.session_state.get("ticked", []) if one != run]
    st.session_state["ticked"] = others + [run] * st.session_state[f"chosen:{run}"]


def choose(runs: list[str]) -> None:
    st.session_state["ticked"] = runs


def toolbar(rows: Sequence[JSON], shown: Sequence[JSON]) -> None:
    """Shows what can be done with the ticked ones among all runs; `shown` are those that the filter lets through."""
    chosen = ticked(rows)
    none = not chosen
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
        usable = [row["id"] for row in chosen if row["problem"] is None]
        if st.button("Compare", disabled=len(usable) < 2, icon=":material/compare:", key="compare"):
            st.query_params["compare"] = usable
            st.rerun()
        tags_of_several(rows, [row["id"] for row in chosen])
        if st.button("Delete", disabled=none, icon=":material/delete:", key="delete-chosen"):
            delete_chosen(chosen)
        everything = [row["id"] for row in shown]
        st.button(f"Choose all {len(shown)}", key="choose-all", type="tertiary", on_click=choose, args=(everything,),
                  disabled=not shown)  # fmt: skip
        st.button("Choose none", key="choose-none", type="tertiary", on_click=choose, args=([],), disabled=none)
        counted = f"{len(chosen)} {'run is' if len(chosen) == 1 else 'runs are'} chosen."
        if unseen := len({row["id"] for row in chosen} - {*everything}):
            counted += f" The filter hides {unseen} of them."
        note("Choose two or more runs to compare them." if none else counted)


def tags_of_several(rows: Sequence[JSON], runs: list[str]) -> None:
    """Shows the menu that adds a tag to the chosen runs or takes it away from them."""
    asked = st.session_state.get("asked", 0)
    with st.popover("Tag", icon=":material/sell:", key=f"tag-menu:{asked}", disabled=not runs):
        tag = st.selectbox("Tag", all_tags(rows), index=None, key="tag", accept_new_options=True,
                           placeholder="Choose a tag or write one")  # fmt: skip
        with st.container(horizontal=True):
            st.button("Add it", type="primary", key="add-tag", on_click=change_tag, args=(add_tag, runs, tag))
            st.button("Take it away", key="remove-tag", on_click=change_tag, args=(remove_tag, runs, tag))
        texts.show_refusal("tag")


def change_tag(change: Any, runs: list[str], tag: str | None) -> None:
    """Adds or removes a tag of several runs, unless it is refused, and closes the menu."""
    with texts.refusing("tag"):
        if tag:
            change(service(), runs, tag)
            st.session_state.update(tag=None, asked=st.session_state.get("asked", 0) + 1)


def tags_field(rows: Sequence[JSON], known: Sequence[str], name: str) -> None:
    """Shows a field that holds the tags of a run, or those of all lanes of a race; `known` are offered in it."""
    key = f"tags:{name}"
    own = all_tags(rows)
    st.session_state[key] = own
    st.multiselect("Tags", sorted({*known, *own}, key=str.casefold), key=key, accept_new_options=True,
                   max_selections=max(MOST_TAGS, len(own)), placeholder="Add a tag",
                   on_change=retag_rows, args=([row["id"] for row in rows], own, key))  # fmt: skip
    texts.show_refusal(key)


def retag_rows(runs: list[str], before: list[str], key: str) -> None:
    """Gives each run what was added to a field, and takes away what was removed. Refused tags change nothing."""
    with texts.refusing(key):
        change_tags(service(), runs, before, st.session_state[key])


def tag_badges(tags: Sequence[str]) -> str:
    """Returns tags as small badges in Markdown; empty if there are none."""
    return " ".join(f":gray-badge[{texts.escaped(tag)}]" for tag in tags)


@st.dialog("Delete the chosen runs?")
def delete_chosen(rows: Sequence[JSON]) -> None:
    """Asks once before it deletes several runs, which cannot be brought back."""
    st.markdown(f"**{len(rows)} {'run' if len(rows) == 1 else 'runs'}** and all their pictures will be gone for good:")
    with st.container(height=220 if len(rows) > MANY else "content", border=len(rows) > MANY):
        st.markdown("\n".join(f"- {texts.escaped(row['name'])}" for row in rows))
    if unfinished := sum(row["status"] in UNFINISHED for row in rows):
        st.markdown(f"{unfinished} of them {'has' if unfinished == 1 else 'have'} not finished and will be stopped.")
    offer_answers("Delete them", "Keep them", "really-delete-chosen", [row["id"] for row in rows])


def offer_answers(yes: str, no: str, key: str, runs: list[str]) -> None:
    """Shows the two answers to whether runs are to be deleted. Either closes the dialog."""
    with st.container(horizontal=True):
        sure = st.button(yes, type="primary", key=key, on_click=delete_runs, args=(service(), runs))
        if st.button(no) or sure:
            st.rerun()
