"""What is said of a set-up before it is run."""

from __future__ import annotations

from gradleak_core.config import demand
from gradleak_core.types import JSON
from pages._parts import texts
from pages._parts.card import card
from pages._parts.engine import before, catalogue, under_way
from pages._parts.speaking import st

RESTORED = "This is the contact sheet's set-up, restored."


def foreword(experiment: JSON) -> str:
    """Says what a newcomer sees, that a sheet gave this set-up, what will be slow, or what to expect."""
    if st.session_state["welcome"]:
        return texts.WELCOME
    known = catalogue()
    slow = demand.delay(experiment, known)
    if experiment == st.session_state.get("restored"):
        return f"{RESTORED} {slow}".strip()
    return slow or own_picture(experiment) or before(experiment) or texts.expectation(experiment, known)


def own_picture(experiment: JSON) -> str:
    """Says that an example has one's own picture in it, and how to get its own; else empty."""
    uploaded = all(reference.startswith("upload:") for reference in experiment["images"])
    if not uploaded or texts.matching(experiment, catalogue()) is None:
        return ""
    return "This example has your picture in it; press it again for its own."


def beside(another: JSON | None, experiment: JSON) -> None:
    """Shows, under the examples, the run of another set-up that was on show, or to a newcomer the run under way.

    The run that the set-up goes on from has a card already.
    """
    if another is not None and experiment["fork"].startswith(another["id"]):
        return
    if another is not None:
        card("Before", another)
    elif st.session_state["welcome"] and (row := under_way()):
        card("Under way on this server", row)
