"""Contact sheets among what is handed in: the set-up that one carries, checked as a link's is, and offered."""

from __future__ import annotations

from gradleak_core.runs.exports.sheet import look_for_setup
from gradleak_core.types import JSON
from pages._parts import setup
from pages._parts.engine import catalogue, service
from pages._parts.speaking import st
from pages._parts.texts import escaped


def offer_setup(answer: JSON) -> None:
    """Offers the set-up that came with a picture, or says why it cannot be used."""
    if answer.get("spoilt"):
        st.warning(escaped(answer["spoilt"]))
    if answer.get("setup"):
        st.info("This is a contact sheet of a run. It carries the run's whole set-up.")
        st.button(
            "Restore this set-up", key=f"restore:{answer['image']}", type="primary", icon=":material/check:",
            on_click=restore_setup, args=(answer["setup"],),
        )  # fmt: skip


def restore_setup(experiment: JSON) -> None:
    """Makes a sheet's set-up the current one, without a run, and closes the dialog. The foreword says so."""
    setup.take(experiment)
    st.session_state.update(choosing=False, restored=experiment)


def setup_in(data: bytes) -> JSON:
    """Returns what a file that was handed in says of a set-up, as `look_for_setup` does."""
    return look_for_setup(data, catalogue(), service().folder, service().check_uploads)
