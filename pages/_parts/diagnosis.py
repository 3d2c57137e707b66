"""Why a run did not recover the picture, and one button that runs the set-up in which it should."""

from __future__ import annotations

from functools import partial

from gradleak_core.doctor import Diagnosis
from gradleak_core.runs.service import NotReady
from gradleak_core.types import JSON, Refused
from pages._parts import setup, teaching
from pages._parts.engine import found, service
from pages._parts.speaking import st
from pages._parts.texts import escaped, note


def shorten(cause: Diagnosis | None, run: str | None) -> JSON:
    """Returns what the line beneath the pictures says of a failure: why, the title of its mend, and what that does."""
    if cause is None:
        return {}
    mend = cause.mend if cause.mend and may(cause.mend.experiment) else None
    act = {"mend": mend.title, "on_mend": partial(prove, mend.experiment, str(run))} if mend else {}
    return {"why": cause.title} | act


def diagnosis(cause: Diagnosis, run: JSON) -> None:
    """Shows a failed run's cause, the numbers that show it, and the button that proves it."""
    with st.container(border=True, key="diagnosis", gap="xsmall"):
        st.markdown(f"**Why it failed.** {escaped(cause.sentence)}")
        note(escaped(f"{cause.evidence} {cause.basis}"))
        if cause.mend is not None:
            args = (cause.mend.experiment, run["id"])
            closed = not may(cause.mend.experiment)
            st.button(cause.mend.title, icon=":material/play_arrow:", key="mend", on_click=prove, args=args,
                      disabled=closed)  # fmt: skip
            if closed:
                note(teaching.STAYS)


def may(mended: JSON) -> bool:
    """Returns whether a mend changes nothing that is locked or hidden."""
    return setup.allowed(mended) == mended


def prove(mended: JSON, failed: str) -> None:
    """Runs a mended set-up and keeps the failed run within reach, unless it would change what is locked."""
    if not may(mended):
        st.session_state["complaints"] = [teaching.STAYS]
        return
    try:
        run = service().submit(mended)
    except (Refused, NotReady) as error:
        setup.replace(mended, failed)
        st.session_state["complaints"] = [str(error)]
        return
    setup.replace(mended, run)
    st.session_state["proof"] = (run, failed)


def failed_before(run: str | None) -> JSON | None:
    """Returns the failed run that this one mends; None for any other run."""
    proof, failed = st.session_state.get("proof") or (None, None)
    return found(failed) if run is not None and run == proof else None
