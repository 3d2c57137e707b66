"""A claim that is run here: its halves as a race, with the paper's numbers, ours and this run's side by side."""

from __future__ import annotations

from gradleak_core.config.needs import labels_revealed
from gradleak_core.runs.service import NoRun
from gradleak_core.types import JSON
from gradleak_core.verdicts import UNFINISHED, seen, word
from pages._parts import claims, texts
from pages._parts.engine import catalogue, found, found_race, service
from pages._parts.live_view import run_alone
from pages._parts.race import on_stage, race_view, what_differs
from pages._parts.scrolling import scroll_here
from pages._parts.speaking import st
from pages._parts.texts import note


def shown(rows: list[JSON]) -> JSON:
    """Returns the claim that the address names with the race or the run of it; None where it is gone or another's."""
    query = st.query_params
    claim = next((row for row in rows if row["name"] == query.get("claim") and claims.live(row, catalogue())), None)
    raced, run = "race" in query, found(query.get("run"))
    tried = found_race(query["race"]) if raced else run and {"id": run["id"], "lanes": [run], "names": [run["name"]]}
    usable = tried and all(row["problem"] is None for row in tried["lanes"])
    if not (claim and usable and [row["experiment"] for row in tried["lanes"]] == claims.lanes(claim, catalogue())):
        return None
    return claim, tried, raced


def running(claim: JSON, tried: JSON, raced: bool) -> None:
    """Shows a claim with the race of its halves in view, its numbers beneath, and the ways on from there."""
    scroll_here(tried["id"])
    with st.container(horizontal=True):
        st.button("Back to all claims", icon=":material/arrow_back:", on_click=st.query_params.clear)
        if st.button("Open in the Lab", key=f"watch:{claim['name']}", icon=":material/science:"):
            own = {"race": tried["id"]} if raced else {"run": tried["id"]}
            claims.to_lab(claim, catalogue(), **own)
        if st.button("Run it again", key=f"again:{claim['name']}", icon=":material/replay:"):
            claims.begin(claim, catalogue())
            st.rerun()
    texts.show_refusal(f"run:{claim['name']}")
    claims.heading(claim)
    if raced:
        race_view(shown=on_stage(tried), key="claim-race")
    else:
        run_alone(tried["lanes"][0], key="claim-run")
    compare(claim, tried)
    if raced:
        what_differs([row["experiment"] for row in tried["lanes"]], tried["names"])
    claims.details(claim)


def compare(claim: JSON, tried: JSON) -> None:
    """Shows the paper's numbers, ours and those of this run side by side."""
    theirs, ours, this = st.columns([3, 4, 5], border=True)
    theirs.markdown(f"**The paper**  \n{texts.escaped(claim['theirs'])}")
    with ours:
        claims.outcome(claim)
    with this:
        unfinished = any(row["status"] in UNFINISHED for row in tried["lanes"])
        st.fragment(numbers, run_every="1s" if unfinished else None)(tried["lanes"], tried["names"], unfinished)


def numbers(lanes: list[JSON], names: list[str], unfinished: bool) -> None:
    """Shows what every lane of this run has come to, and draws the page anew when the last one ends."""
    try:
        rows = [service().run(row["id"]) for row in lanes]
    except NoRun:
        st.rerun()
    if unfinished and not any(row["status"] in UNFINISHED for row in rows):
        st.rerun()
    st.markdown("**This run**")
    cells = [[texts.escaped(name), *came_to(row)] for name, row in zip(names, rows, strict=True)]
    st.markdown(texts.table(["Half" if len(rows) > 1 else "Run", "PSNR", "Seen", "Labels"], cells))
    note("One run with one picture and one seed; the paper's numbers and ours are over several.")


def came_to(row: JSON) -> list[str]:
    """Returns the cells of a lane: its scores, what is seen, and how many labels were found; its status before that."""
    result = row["result"]
    if not result or not result.get("metrics"):
        return [word(row["status"]), "", ""]
    scores = result["metrics"]
    labels = "told" if labels_revealed(row["experiment"]) else f"{scores['label_accuracy']:.0%}"
    return [f"{scores['psnr']:.1f} dB", seen(scores), labels]
