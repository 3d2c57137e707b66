"""The card of a race on the page of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gradleak_core.config.races import lane_text
from gradleak_core.runs import races
from gradleak_core.runs.several import all_tags
from gradleak_core.types import JSON
from gradleak_core.verdicts import seen, word
from pages._parts import history, setup, texts
from pages._parts.choosing import offer_answers, tag_badges, tags_field, tick
from pages._parts.engine import catalogue, found_race, service
from pages._parts.picture_button import picture_button
from pages._parts.race import over
from pages._parts.share import share
from pages._parts.site import pages
from pages._parts.speaking import st
from pages._parts.texts import note


def entries(rows: list[JSON]) -> list[list[JSON]]:
    """Returns the rows of runs as they are listed: the lanes of a race together, any other run alone."""
    found: dict[str, list[JSON]] = {}
    for row in rows:
        found.setdefault(row["race"]["id"] if row["race"] else row["id"], []).insert(0, row)
    return list(found.values())


def found_entries(rows: list[JSON], shown: Sequence[JSON]) -> list[list[JSON]]:
    """Returns the entries of which a filter shows at least one run. A race keeps all of its lanes."""
    ids = {row["id"] for row in shown}
    return [each for each in entries(rows) if any(row["id"] in ids for row in each)]


def entry(rows: list[JSON], known: Sequence[str]) -> None:
    """Shows the card of a run, or that of a race of which several lanes are left; the tags `known` are offered."""
    if len(rows) > 1:
        race_card(races.complete_race(rows, catalogue()), known)
    else:
        history.card(rows[0], known)


def race_card(race: JSON, known: Sequence[str]) -> None:
    """Shows a race: every lane's last picture, its score and how it ended, and what can be done with all of it."""
    with st.container(border=True, key=f"race-{race['id']}", horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap="xsmall"):
            if over(race["lanes"]):
                race_state(race)
            else:
                st.fragment(followed_race, run_every=history.REFRESH)(race["id"])
        with st.container(width=230, gap="xxsmall"):
            race_actions(race, known)


def followed_race(race: str) -> None:
    """Follows a race that has not ended, and redraws the page when it ends."""
    found = found_race(race)
    if found is None or over(found["lanes"]):
        st.rerun()
    race_state(found)


def race_state(race: JSON) -> None:
    """Shows the title of a race and its lanes."""
    if st.session_state.pop("to-lab", False):  # pressed within the fragment of a race that goes on
        st.switch_page(pages()["lab"])
    created = datetime.fromtimestamp(race["lanes"][0]["created"])
    st.markdown(f"**{texts.escaped(race['title'])}**")
    if tags := all_tags(race["lanes"]):
        st.markdown(tag_badges(tags))
    files = dict.fromkeys(name for row in race["lanes"] for name in service().file_names(row["experiment"]))
    of = f" of {', '.join(map(texts.escaped, files))}" if files else ""
    note(f"{created:%d %b %Y, %H:%M}, {len(race['lanes'])} lanes on one clock{of}")
    with st.container(horizontal=True, gap="small"):
        for row, name in zip(race["lanes"], race["names"], strict=True):
            with st.container(width=120, gap="xxsmall"):
                picture_button(history.thumbnail(row), width=96, says=f"Last picture of {name}",
                               key=f"picture:{row['id']}", on_click=history.open_in_lab, args=(row,))  # fmt: skip
                note(texts.escaped(name))
                note(seen((row["result"] or {}).get("metrics") or {}) or "not scored")
                if row["status"] != "done":
                    st.badge(word(row["status"]), color=texts.colour(row))
                tick(row)


def race_actions(race: JSON, known: Sequence[str]) -> None:
    """Shows the buttons of a race; the tags `known` are offered."""
    name, closed = race["id"], any(row["problem"] for row in race["lanes"])
    st.button("Open", key=f"open:{name}", type="primary", width="stretch", icon=":material/visibility:",
              on_click=open_race, args=(race,), disabled=closed)  # fmt: skip
    asked = st.session_state.get("asked", 0)
    with st.popover("More", width="stretch", key=f"more:{name}:{asked}"):
        st.link_button("Export as a zip file", f"./api/races/{name}/export.zip", width="stretch", key=f"export:{name}")
        st.text_input("Name", race["title"], key=f"name:{name}", max_chars=120, on_change=rename_kept, args=(name,))
        texts.show_refusal(f"name:{name}")
        tags_field(race["lanes"], known, name)
        share("race", name)
        sure = st.button("Delete", key=f"delete:{name}", width="stretch", icon=":material/delete:",
                         on_click=history.close)  # fmt: skip
    if sure:
        delete_kept(race)


def open_race(race: JSON) -> None:
    """Takes the set-up of a race to the Lab, and the race with it."""
    first, *others = (row["experiment"] for row in race["lanes"])
    setup.take(first, lanes=[lane_text(lane, first, catalogue()) for lane in others], race=race["id"])
    st.session_state["to-lab"] = True


def rename_kept(race: str) -> None:
    with texts.refusing(f"name:{race}"):
        races.rename_race(service(), race, st.session_state[f"name:{race}"])


@st.dialog("Delete this race?")
def delete_kept(race: JSON) -> None:
    """Asks before it deletes a race, which cannot be brought back."""
    st.markdown(f"**{texts.escaped(race['title'])}** and all pictures of its lanes will be gone for good.")
    offer_answers("Delete", "Keep it", "really-delete", [row["id"] for row in race["lanes"]])
