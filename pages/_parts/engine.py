"""What the pages ask of the engine: the service and its catalogue."""

from __future__ import annotations

from typing import Any

from gradleak_core.forecast import foresee_span, time_before
from gradleak_core.runs import races
from gradleak_core.runs import service as services
from gradleak_core.verdicts import duration
from pages._parts.speaking import st

MOST_REMEMBERED = 100
"""The newest results among which earlier runs of a set-up are looked for."""
WORTH_SAYING = 30.0
"""Seconds of a run from which its length is said before it begins."""


def service() -> services.Service:
    """Returns the one service of this server, as whoever opened this tab may use it."""
    shared = services.get()
    return shared if shared.people is None else shared.seen_by(shared.people.asker(st.context.cookies))


def troubles() -> list[str]:
    """Returns what every page has to say about the server: what cannot be written now, and what was lost."""
    health = service().health()
    return [health[name] for name in ("error", "lost") if name in health]


def catalogue() -> Any:
    """Returns the catalogue. The page waits here until the first worker has sent it."""
    known = service().catalogue()
    if known is None:
        waiting()
        st.stop()
    return known


def found(run: str | None) -> Any:
    """Returns the row of a run, or None if this server does not have it."""
    try:
        return service().run(run) if run else None
    except services.NoRun:
        return None


def found_race(race: str | None) -> Any:
    """Returns a race with the rows of its lanes, or None if this server does not have it."""
    try:
        return races.get_race(service(), race) if race else None
    except services.NoRun:
        return None


def usable(run: str | None) -> Any:
    """Returns the row of a run whose set-up can be used here, or None."""
    row = found(run)
    return row if row and row["problem"] is None else None


def before(experiment: Any) -> str:
    """Says how long this set-up took this person before, with this picture or another; empty where it never did."""
    seconds = time_before(experiment, service().own_results(MOST_REMEMBERED))
    if seconds is None:
        return ""
    return f"Here, runs of this set-up, with this picture or others, were recognisable after about {duration(seconds)}."


def foresee(experiment: Any) -> str:
    """Says how long all iterations of a set-up may take here; empty where that is short or not known."""
    span = foresee_span(experiment, service().store.results(MOST_REMEMBERED), catalogue())
    if span is None or span.seconds < WORTH_SAYING:
        return ""
    minutes = span.seconds / 60
    about = f"{round(minutes)} min" if minutes > 1.5 else f"{round(span.seconds, -1):.0f} s"
    return f"takes about {about} at most" if span.measured else f"may take roughly {about}"


def under_way() -> Any:
    """Returns the row of the newest run that a worker is computing, if there is one."""
    rows = (row for row in service().runs() if row["status"] == "running" and row["problem"] is None)
    return next(rows, None)


@st.fragment(run_every="1s")
def waiting() -> None:
    """Says that the engine is starting, and reruns the page as soon as the catalogue is there."""
    if service().catalogue() is not None:
        st.rerun()
    st.info("The engine is starting. This takes a few seconds the first time.", icon=":material/hourglass_top:")
    for worker in service().health()["workers"]:
        if worker.get("error"):
            st.error(f"The worker could not start: {worker['error']}")
