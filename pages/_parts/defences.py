"""The client's defences, in the order in which they are applied."""

from __future__ import annotations

from gradleak_core.config import knobs
from gradleak_core.types import JSON
from pages._parts import forms, setup, teaching
from pages._parts.engine import catalogue
from pages._parts.plain import worded
from pages._parts.speaking import st
from pages._parts.texts import note


def defences() -> None:
    """Shows the chosen defences and a list to add from. A list scrolls where a menu would leave the window."""
    rows, chosen = catalogue()["families"]["defences"], setup.current()["defences"]
    if not chosen:
        note("None: the client sends its exact update.")
    for index, part in enumerate(chosen):
        with st.container(border=True, gap="xsmall"):
            one(index, part, rows[part["kind"]], len(chosen))
    excluded = {kind: reasons for kind in rows if (reasons := impossible(kind))}
    fixed = teaching.locked("defences")
    titles = {kind: worded(kind, row["title"]) for kind, row in rows.items()}
    st.selectbox(
        "Add a defence", list(rows), None, key="add-defence", placeholder="Add a defence", on_change=add,
        format_func=lambda kind: f"{rows[kind]['title']} (not with this set-up)" if kind in excluded else titles[kind],
        label_visibility="collapsed", filter_mode=None, disabled=fixed,
    )  # fmt: skip
    if excluded:
        with st.expander(f"{len(excluded)} not possible here, and why"):
            st.markdown("\n".join(f"- {rows[kind]['title']}: {' '.join(why)}" for kind, why in excluded.items()))


def one(index: int, part: JSON, row: JSON, count: int) -> None:
    """Shows one defence: what it does, its knobs, and its place in the order."""
    st.markdown(f"**{index + 1}. {row['title']}**")
    note(row["summary"])
    forms.fields(part, row["knobs"], f"defences.{index}")
    fixed = teaching.locked("defences")
    with st.container(horizontal=True, gap="xsmall"):
        st.button("Earlier", key=f"up:{index}", disabled=fixed or index == 0, on_click=move, args=(index, -1),
                  type="tertiary")  # fmt: skip
        st.button("Later", key=f"down:{index}", disabled=fixed or index + 1 == count, on_click=move, args=(index, 1),
                  type="tertiary")  # fmt: skip
        st.button("Remove", key=f"remove:{index}", on_click=remove, args=(index,), type="tertiary", disabled=fixed)


def impossible(kind: str) -> list[str]:
    part = knobs.one_of("defences", kind, catalogue(), "defence")
    experiment = setup.current()
    return knobs.refusals(part, experiment | {"defences": [*experiment["defences"], part]}, catalogue())


def add() -> None:
    """Adds the picked defence, and has the list say "Add a defence" again."""
    kind = st.session_state["add-defence"]
    st.session_state["add-defence"] = None
    added = knobs.one_of("defences", kind, catalogue(), "defence")
    setup.change("defences", [*setup.current()["defences"], added])


def move(index: int, by: int) -> None:
    order = [*setup.current()["defences"]]
    order[index], order[index + by] = order[index + by], order[index]
    setup.change("defences", order)


def remove(index: int) -> None:
    order = setup.current()["defences"]
    setup.change("defences", [*order[:index], *order[index + 1 :]])
