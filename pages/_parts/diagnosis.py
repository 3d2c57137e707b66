"""Why a run did not recover the picture, and one button that runs the set-up in which it should."""

from __future__ import annotations

from typing import Any

import streamlit as st

from gradleak_core.doctor import diagnose
from gradleak_core.runs.service import NotReady
from gradleak_core.types import Refused
from pages._parts import setup
from pages._parts.engine import catalogue, found, service
from pages._parts.note import note
from pages._parts.texts import escaped

JSON = Any


def why(run: JSON | None) -> str:
    """Says why a run failed, for the line beneath its pictures; empty without a run that failed."""
    cause = diagnose(run, catalogue()) if run is not None else None
    return f"Why it failed: {cause.sentence}" if cause else ""


def diagnosis(run: JSON) -> None:
    """Shows a failed run's cause, the numbers that show it, and the button that proves it; nothing of other runs."""
    cause = diagnose(run, catalogue())
    if cause is None:
        return
    with st.container(border=True, key="diagnosis", gap="xsmall"):
        st.markdown(f"**Why it failed.** {escaped(cause.sentence)}")
        note(escaped(f"{cause.evidence} {cause.basis}"))
        if cause.mend is not None:
            args = (cause.mend.experiment, run["id"])
            st.button(cause.mend.title, icon=":material/play_arrow:", key="mend", on_click=prove, args=args)


def prove(mended: JSON, failed: str) -> None:
    """Runs a mended set-up and keeps the failed run within reach."""
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
