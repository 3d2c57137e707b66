"""Forms made from the catalogue's knobs. A field shows the set-up's value and changes it when it is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradleak_core.config import knobs
from gradleak_core.types import JSON
from pages._parts import setup, teaching
from pages._parts.engine import catalogue
from pages._parts.plain import worded
from pages._parts.speaking import st
from pages._parts.texts import note, segment


def fields(node: JSON, rows: list[JSON], path: str, leave_out: tuple[str, ...] = ()) -> None:
    """Shows one field for each knob of `node`, with its help beneath."""
    for knob in rows:
        if knob["name"] not in leave_out and knob["name"] in node:
            field(knob, node[knob["name"]], f"{path}.{knob['name']}" if path else knob["name"])


def field(knob: JSON, value: Any, path: str, *, explain: bool = True) -> None:
    """Shows the field that suits a knob's type, and beneath it why the last entry was refused."""
    if teaching.hidden(path):
        return
    DRAW[knob["type"]](knob, value, path)
    say_lock(path)
    if knob["type"] in ("part", "parts"):
        return
    if refusal := setup.refusal(path):
        st.markdown(f":red[{refusal.replace(path, knob['label'], 1)}]")
    if explain and knob.get("help"):
        note(knob["help"])


def say_lock(path: str) -> None:
    """Says beneath a field that it is locked, unless all of its station is."""
    if teaching.names(path):
        teaching.say_why(path)


def part(knob: JSON, value: JSON, path: str) -> None:
    """Shows a choice of one part, its summary and its own knobs."""
    family = knob["family"]
    choose(knob["label"], family, path, knobs.kind_of(family, value, catalogue()))
    row = knobs.find_entry(family, value, catalogue())
    note(row["summary"])
    inside(row["knobs"], value, path)


def several(knob: JSON, values: list[JSON], path: str) -> None:
    """Shows a choice of any number of parts, and the knobs of each."""
    family = knob["family"]
    rows = catalogue()["families"][family]
    kinds = list(dict.fromkeys(value["kind"] for value in values))
    key = keep(f"knob:{path}", kinds)
    st.multiselect(
        knob["label"], list(rows), kinds, key=key, format_func=lambda kind: worded(kind, rows[kind]["title"]),
        placeholder="None", on_change=touched, args=(path, key), disabled=teaching.locked(path),
    )  # fmt: skip
    note(knob["help"])
    for index, value in enumerate(values):
        row = rows[value["kind"]]
        st.markdown(f"**{row['title']}**  \n{row['summary']}")
        inside(row["knobs"], value, f"{path}.{index if len(kinds) < len(values) else value['kind']}")


def inside(rows: list[JSON], value: JSON, path: str) -> None:
    """Shows the knobs of a part inside another, set off from those around them."""
    if any(knob["name"] in value for knob in rows):
        with st.container(border=True):
            fields(value, rows, path)


def choose(label: str, family: str, path: str, kind: str, *, visible: bool = True) -> None:
    """Shows a choice of one kind of a family. Kinds that this set-up rules out are marked and explained."""
    if teaching.hidden(path):
        return
    rows = catalogue()["families"][family]
    excluded = {name: reasons for name in rows if (reasons := impossible(path, name))}
    key = keep(f"knob:{path}", kind)
    names = list(dict.fromkeys([*rows, kind]))  # a recipe of one's own is in no list
    titles = {name: worded(name, rows[name]["title"]) if name in rows else f"{name} (not listed)" for name in names}
    titles |= {name: f"{titles[name]} (not with this set-up)" for name in excluded}
    st.selectbox(
        label, names, names.index(kind), key=key, on_change=touched, args=(path, key), filter_mode=None,
        format_func=titles.__getitem__, label_visibility="visible" if visible else "collapsed",
        disabled=teaching.locked(path),
    )  # fmt: skip
    if excluded:
        listed = "\n".join(f"- {rows[name]['title']}: {' '.join(reasons)}" for name, reasons in excluded.items())
        with st.expander(f"{len(excluded)} not possible here, and why"):
            st.markdown(listed)


def impossible(path: str, kind: str) -> list[str]:
    """Returns why a kind cannot be used at this place of the set-up."""
    changed = knobs.put(setup.current(), path, kind, catalogue())
    node = changed
    for name in path.split("."):
        node = node[name]
    return knobs.refusals(node, changed, catalogue())


def keep(key: str, value: Any) -> str:
    """Makes a widget show `value`, and returns its key. Call it before the widget.

    A value that was changed elsewhere gets a new widget, with another key: the browser keeps what the old one held
    while its forms are closed, and would hand that in as a change. The widget must have the value as its default too:
    the browser falls back on the default of a field that it has not drawn yet, and would report that as a change.
    """
    made = st.session_state.setdefault("made", {})
    shown = f"{key}~{made[key]}" if key in made else key
    if st.session_state.get(shown, value) != value:
        made[key] = made.get(key, 0) + 1
        shown = f"{key}~{made[key]}"
    st.session_state[shown] = value
    return shown


def touched(path: str, key: str) -> None:
    """Changes the set-up when a field has changed. An emptied field changes nothing."""
    value = st.session_state[key]
    if value is not None:
        setup.change(path, value)


def _number(knob: JSON, value: float, path: str) -> None:
    """Shows a number without Streamlit's bounds, whose field silently drops a number beyond them."""
    whole = knob["type"] == "integer"
    value = int(value) if whole else float(value)
    key = keep(f"knob:{path}", value)
    if knob.get("log") and not whole and knob.get("high") is not None:
        st.select_slider(
            knob["label"], ladder(knob.get("low") or 0.0, knob["high"], value), value, key=key,
            format_func=lambda rung: f"{rung:g}", on_change=touched, args=(path, key), disabled=teaching.locked(path),
        )  # fmt: skip
    else:
        st.number_input(
            knob["label"], value=value, step=1 if whole else 0.1, format="%d" if whole else "%g", key=key,
            on_change=touched, args=(path, key), disabled=teaching.locked(path),
        )  # fmt: skip


def ladder(low: float, high: float, value: float) -> list[float]:
    """Returns 1, 2, 5, 10, ... between two bounds, with the value itself; from 1e-8 if the lower bound is 0."""
    rungs = {float(f"{digit}e{power}") for power in range(-8, 9) for digit in (1, 2, 5)}
    return sorted({rung for rung in rungs if max(low, 1e-8) <= rung <= high} | {float(low), float(high), value})


def _toggle(knob: JSON, value: bool, path: str) -> None:
    key = keep(f"knob:{path}", bool(value))
    st.toggle(knob["label"], bool(value), key=key, on_change=touched, args=(path, key), disabled=teaching.locked(path))


def _choice(knob: JSON, value: Any, path: str) -> None:
    key = keep(f"knob:{path}", value)
    if len(knob["choices"]) <= 3:
        st.segmented_control(
            knob["label"], knob["choices"], default=value, key=key, required=True, on_change=touched, args=(path, key),
            format_func=segment, disabled=teaching.locked(path),
        )  # fmt: skip
    else:
        st.selectbox(
            knob["label"], knob["choices"], knob["choices"].index(value), key=key, on_change=touched, args=(path, key),
            format_func=lambda choice: str(choice).replace("_", " "), disabled=teaching.locked(path),
        )  # fmt: skip


def _string(knob: JSON, value: str, path: str) -> None:
    key = keep(f"knob:{path}", value)
    st.text_input(knob["label"], value, key=key, on_change=touched, args=(path, key), disabled=teaching.locked(path))


DRAW: dict[str, Callable[[JSON, Any, str], None]] = {
    "integer": _number, "number": _number, "boolean": _toggle, "choice": _choice, "string": _string, "part": part,
    "parts": several,
}  # fmt: skip
"""What shows a field, by the type of its knob."""
