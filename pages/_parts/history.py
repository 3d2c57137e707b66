"""The pieces of the page of runs: cards, their actions, and runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from gradleak_core.config.races import lane_names
from gradleak_core.languages import say
from gradleak_core.runs.forks import add_start
from gradleak_core.runs.service import NoRun
from gradleak_core.types import JSON
from gradleak_core.verdicts import UNFINISHED, duration, place_in_line, seen, word, write_likeness
from pages._parts import pictures, setup, texts
from pages._parts.choosing import offer_answers, tag_badges, tags_field, tick
from pages._parts.curves import curves_of
from pages._parts.engine import catalogue, found, service
from pages._parts.picture_button import picture_button
from pages._parts.race import in_common, outcomes, race_view, what_differs
from pages._parts.segments import choose_segment
from pages._parts.share import share
from pages._parts.site import pages
from pages._parts.speaking import st
from pages._parts.texts import note

PAGE = 12
REFRESH = 2
"""Seconds between two looks at a running run."""
MOST_ON_ONE_CLOCK = 6
"""The most runs that are shown with their pictures beside each other."""
MOST_PEOPLE = 3
"""The most nicknames that are told of those whose a run is."""
WAYS = {"clock": "On one clock", "curves": "As curves"}
"""How runs can be shown beside each other, by the names in the address."""


def page_of(entries: list[JSON]) -> list[JSON]:
    """Returns the entries of the open page."""
    if st.session_state.pop("to-lab", False):
        st.switch_page(pages()["lab"])
    if len(entries) <= PAGE:
        return entries
    page = st.pagination(-(-len(entries) // PAGE), key="page")
    return entries[(page - 1) * PAGE : page * PAGE]


def compared(rows: list[JSON]) -> list[JSON]:
    """Returns the rows of the runs that the address bar puts beside each other, or nothing."""
    kept = {row["id"]: row for row in rows if row["problem"] is None}
    chosen = dict.fromkeys(st.query_params.get_all("compare"))
    return [kept[run] for run in chosen] if len(chosen) > 1 and chosen.keys() <= kept.keys() else []


def incomparable(rows: list[JSON]) -> str:
    """Says why the runs in the address bar cannot be compared."""
    if set(st.query_params.get_all("compare")) <= {row["id"] for row in rows if row["problem"] is None}:
        return "This link has only one run to compare; choose two or more below."
    return "A run that this link compares is no longer stored, or cannot be read."


def comparison(rows: list[JSON]) -> None:
    """Shows runs on one clock with their differences, or as curves on common axes. The address says which."""
    few = len(rows) <= MOST_ON_ONE_CLOCK
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Back to all runs", icon=":material/arrow_back:"):
            st.query_params.clear()
            st.rerun()
        way = choose_segment("Shown", WAYS, "as", hidden=True) if few else "curves"
    if way == "clock":
        side_by_side(rows)
    else:
        curves_of(rows)


def side_by_side(rows: list[JSON]) -> None:
    """Shows stored or running runs on one clock, what differs between them, and their numbers."""
    experiments = [row["experiment"] for row in rows]
    races = {(row["race"] or {}).get("id") for row in rows}
    one = len(races) == 1 and races != {None}
    names = lane_names(experiments, catalogue()) if one else [row["name"] for row in rows]
    names = [add_start(name, experiment) for name, experiment in zip(names, experiments, strict=True)]
    runs = [row["id"] for row in rows]
    shown = {"id": "-".join(runs), "runs": runs, "names": names, "race": False}
    race_view(shown=shown, shared=in_common(experiments), key="race")
    what_differs(experiments, names)
    outcomes(rows)


def card(row: JSON, known: Sequence[str] = ()) -> None:
    """Shows one run: picture, name, tags, set-up, outcome and actions; the tags `known` are offered."""
    run = row["id"]
    with st.container(border=True, key=f"run-{run}", horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            if row["status"] in UNFINISHED:
                st.fragment(followed, run_every=REFRESH)(run)
            else:
                state(row)
        with st.container(width=230, gap="xxsmall"):
            actions(row, known)


def followed(run: str) -> None:
    """Follows a run that has not ended, and redraws the page when it ends."""
    row = found(run)
    if row is None or row["status"] not in UNFINISHED:
        st.rerun()
    state(row)


def state(row: JSON) -> None:
    """Shows the picture, the set-up and the state of a run."""
    if st.session_state.pop("to-lab", False):  # pressed within the fragment of a run that goes on
        st.switch_page(pages()["lab"])
    with st.container(horizontal=True, vertical_alignment="center"):
        says, run = f"Last picture of {row['name']}", (row,)
        picture_button(thumbnail(row), width=96, says=says, key=f"picture:{row['id']}", on_click=open_in_lab, args=run)
        with st.container(width=380, gap="xxsmall"):
            st.markdown(f"**{texts.escaped(row['name'])}**")
            status = f":{texts.colour(row)}-badge[{word(row['status'])}]"
            st.markdown(f"{status} {tag_badges(row['tags'])}")
            note(texts.escaped(row["problem"]) if row["problem"] else made_of(row["experiment"]))
            note(f"{datetime.fromtimestamp(row['created']):%d %b %Y, %H:%M}, {progress(row)}{owners(row)}")
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown("Scores appear at the end." if row["status"] in UNFINISHED else scores(row["result"] or {}))
            said = row["message"] or (row["result"] or {}).get("verdict")
            if said and said != row["problem"]:
                note(said)


def made_of(experiment: JSON) -> str:
    """Names the parts of a run in one line, and the files of the pictures that were handed in for it."""
    files = map(texts.escaped, service().file_names(experiment))
    return ", ".join([texts.ingredients(experiment, catalogue()), *files])


def actions(row: JSON, known: Sequence[str]) -> None:
    """Shows the buttons of a run; the tags `known` are offered."""
    run, closed = row["id"], row["problem"] is not None
    st.button("Open", key=f"open:{run}", type="primary", width="stretch", icon=":material/visibility:",
              on_click=open_in_lab, args=(row,), disabled=closed)  # fmt: skip
    asked = st.session_state.get("asked", 0)  # another popover, and so a closed one, after each question
    with st.popover("More", width="stretch", key=f"more:{run}:{asked}"):
        st.button("Run again with the same seed", key=f"again:{run}", on_click=repeat, args=(run,), width="stretch",
                  disabled=closed)  # fmt: skip
        texts.show_refusal(f"again:{run}")
        st.button("Change it in the Lab", key=f"change:{run}", on_click=open_in_lab, args=(row, False), width="stretch",
                  disabled=closed)  # fmt: skip
        st.link_button("Export as a zip file", f"./api/runs/{run}/export.zip", width="stretch", key=f"export:{run}")
        st.text_input("Name", row["name"], key=f"name:{run}", max_chars=120, on_change=rename, args=(run,))
        texts.show_refusal(f"name:{run}")
        tags_field([row], known, run)
        share("run", run)
        sure = st.button("Delete", key=f"delete:{run}", width="stretch", icon=":material/delete:", on_click=close)
    if sure:
        delete(row)
    tick(row)


def close() -> None:
    """Closes the "More" menu."""
    st.session_state["asked"] = st.session_state.get("asked", 0) + 1


def thumbnail(row: JSON, iteration: int | None = None) -> str:
    """Returns the picture of a run at an iteration, the last one without it, or a blank if there is none."""
    images = row["experiment"].get("images") or [""]
    with suppress(NoRun, OSError):
        return pictures.from_bytes(service().picture(row["id"], iteration), len(images))
    return pictures.BLANK


def scores(result: JSON) -> str:
    """Returns the scores of the attacker's pick, and the word for what is seen in it."""
    metrics = result.get("metrics") or {}
    if metrics.get("psnr") is None or metrics.get("ssim") is None:
        return "There is no score."
    likeness = metrics.get("likeness")
    also = "" if likeness is None else f", likeness **{write_likeness(likeness)}**"
    return f"PSNR **{metrics['psnr']:.1f} dB**, SSIM **{metrics['ssim']:.2f}**{also}: {seen(metrics)}"


def progress(row: JSON) -> str:
    seconds = (row["result"] or {}).get("seconds")
    if row["queue_position"]:
        return place_in_line(row["queue_position"], row["queue_seconds"])
    done = f"{row['iteration']} of {row['steps']} iterations" if row["steps"] else "not started"
    return done + (f", {duration(seconds)}" if seconds else "")


def owners(row: JSON) -> str:
    """Names the people in the room whose run it is, where it is not the reader's alone."""
    named = row.get("by", []) if row.get("others") else []
    shown, more = ", ".join(named[:MOST_PEOPLE]), len(named) - MOST_PEOPLE
    said = say(", by {names} and {more} more", names=shown, more=more) if more > 0 else say(", by {names}", names=shown)
    return texts.escaped(said) if shown else ""


def open_in_lab(row: JSON, attached: bool = True) -> None:
    """Takes a run's set-up to the Lab, and the run with it unless it is only to be changed."""
    if row["problem"]:
        st.toast(texts.escaped(row["problem"]), icon=":material/error:")
        return
    setup.take(row["experiment"], row["id"] if attached else None)
    st.session_state["to-lab"] = True


def repeat(run: str) -> None:
    """Runs the same experiment again and shows it in the Lab."""
    with texts.refusing(f"again:{run}"):
        open_in_lab(service().run(service().duplicate(run)))


def rename(run: str) -> None:
    with texts.refusing(f"name:{run}"):
        service().rename(run, st.session_state[f"name:{run}"])


@st.dialog("Delete this run?")
def delete(row: JSON) -> None:
    """Asks before it deletes a run, which cannot be brought back."""
    st.markdown(f"**{texts.escaped(row['name'])}** and all its pictures will be gone for good.")
    if row["status"] in UNFINISHED:
        st.markdown("It has not finished and will be stopped.")
    offer_answers("Delete", "Keep it", "really-delete", [row["id"]])
