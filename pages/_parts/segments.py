"""A row of segments whose choice stands in the address, so that a link keeps it."""

from __future__ import annotations

from collections.abc import Mapping

from pages._parts.speaking import st
from pages._parts.texts import segment


def choose_segment(label: str, titles: Mapping[str, str], name: str, *, hidden: bool = False) -> str:
    """Asks for one of the `titles`, given by their names in the address, and returns that name; the first by default.

    `name` is the key in the address, and `hidden` leaves the label to screen readers.
    """
    key, wanted = f"segment:{name}", st.query_params.get(name)
    first = wanted if wanted in titles else next(iter(titles))

    def write() -> None:
        st.query_params[name] = st.session_state[key]

    chosen = st.segmented_control(
        label, list(titles), default=first, required=True, key=key, on_change=write,
        format_func=lambda one: segment(titles[one]), label_visibility="collapsed" if hidden else "visible",
    )  # fmt: skip
    return chosen or first
