"""The pieces of the page that explains."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from gradleak_core.api.static_files import LIVE
from gradleak_core.config import knobs
from gradleak_core.languages import language
from gradleak_core.places import ASSETS
from gradleak_core.translating import translate
from gradleak_core.types import JSON
from pages._parts import setup
from pages._parts.engine import catalogue
from pages._parts.live_view import ALWAYS, component
from pages._parts.site import pages
from pages._parts.speaking import st
from pages._parts.texts import note

TABS = {"leak": "The leak", "attacks": "Attacks", "defences": "Defences", "numbers": "Reading the numbers"}
"""The tabs in order, each by its name in the address: `?tab=numbers`."""

_mount_figure = component(
    "gradleak_explanation", (LIVE / "explanation.html").read_text(encoding="utf-8"), "explanation.css"
)


def tabs() -> Sequence[Any]:
    """Shows the tabs, and opens the one that the address names. A click writes its name there."""
    wanted = st.query_params.get("tab", "leak")
    if wanted != st.session_state.get("tab-read"):
        st.session_state.update({"tab-read": wanted, "tabs": translate(TABS.get(wanted, TABS["leak"]))})
    return st.tabs([*TABS.values()], key="tabs", on_change=write_tab)


def write_tab() -> None:
    """Writes the name of the open tab into the address."""
    open_tab(next(name for name, title in TABS.items() if translate(title) == st.session_state["tabs"]))


def open_tab(name: str) -> None:
    """Opens a tab and writes its name into the address."""
    st.session_state.update({"tab-read": name, "tabs": translate(TABS[name])})
    st.query_params["tab"] = name


def contents(rows: JSON) -> None:
    """Shows links to the cards below, by their titles."""
    st.markdown(" · ".join(f"[{entry['title']}](#{name})" for name, entry in rows.items()))


def read_explanation(name: str) -> str:
    """Returns a short text from `assets/explanations/`, in the session's language where it has been translated."""
    folder = ASSETS / "explanations"
    own = folder / language() / f"{name}.md"
    return (own if own.is_file() else folder / f"{name}.md").read_text(encoding="utf-8")


def explanation(name: str) -> None:
    """Shows a short text from `assets/explanations/`."""
    with st.container(width=760):
        st.markdown(read_explanation(name))


def figure(idea: str) -> None:
    """Shows the moving figure of an idea under its heading, and its text below. Both have the idea's name."""
    heading, text = read_explanation(idea).split("\n", 1)
    title = heading.lstrip("# ")
    st.subheader(title, anchor=f"idea-{idea}")
    data = {"module": "explanation.js", "figure": idea, "title": f"Figure: {title}"}
    _mount_figure(key=f"figure:{idea}", data=[data | ALWAYS])
    with st.container(width=760):
        st.markdown(text)


def attack(name: str, entry: JSON) -> None:
    """Shows the idea, the paper, the parts and the source of one attack."""
    with st.container(border=True, key=f"attack-{name}"):
        left, right = st.columns([3, 2], gap="large")
        with left:
            st.subheader(entry["title"], anchor=name)
            st.markdown(entry["idea"].replace("Departs:", "**Where this departs from the paper:**"))
            st.markdown(f"**Paper.** {entry['paper']}")
            if st.button("Try it in the Lab", key=f"try:{name}", type="primary", icon=":material/science:"):
                to_lab(name)
        with right:
            st.markdown("**Made of**")
            st.markdown("\n".join(f"- **{title}**: {summary}" for title, summary in parts(entry)))
            for need in entry["needs"]:
                note(f"Condition: {need['why']}")
        with st.expander("Source code, as it runs"):
            st.code(entry["source"], language="python", wrap_lines=True)


def to_lab(name: str) -> None:
    """Opens the Lab with the first preset that uses this attack, else with the default set-up and the attack."""
    known = catalogue()
    experiments = [preset["experiment"] for preset in known["presets"]]
    fitting = [e for e in experiments if knobs.kind_of("attacks", e["attack"], known) == name]
    setup.take(copy.deepcopy(fitting[0]) if fitting else knobs.put(knobs.start(known), "attack", name, known))
    st.switch_page(pages()["lab"])


def parts(entry: JSON) -> list[tuple[str, str]]:
    """Returns the title and the one-line summary of each part that an attack uses."""
    families = catalogue()["families"]
    rows = {kind: row for family in families.values() for kind, row in family.items()}
    return [(rows[kind]["title"], rows[kind]["summary"]) for kind in entry["parts"] if kind in rows]


def defence(name: str, entry: JSON) -> None:
    """Shows what a defence does, its knobs and its source."""
    with st.container(border=True, key=f"defence-{name}"):
        st.subheader(entry["title"], anchor=name)
        st.markdown(entry["doc"])
        if entry["knobs"]:
            st.markdown("\n".join(f"- **{knob['label']}**: {knob['help']}" for knob in entry["knobs"]))
        for need in entry["needs"]:
            note(f"Condition: {need['why']}")
        with st.expander("Source code, as it runs"):
            st.code(entry["source"], language="python", wrap_lines=True)


def metrics(rows: JSON) -> None:
    """Shows what each metric is, and which way is better."""
    for entry in rows.values():
        unit = f", in {entry['unit']}" if entry.get("unit") else ""
        with st.container(width=760):
            st.markdown(f"**{entry['title']}**{unit}; {entry['better']} is better.  \n{entry['doc']}")
