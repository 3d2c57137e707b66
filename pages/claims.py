"""Claims: what papers say, what came out here, and a set-up to watch."""

import streamlit as st

from pages._parts import claims
from pages._parts.engine import catalogue

known = catalogue()
rows = claims.rows()

st.title("Claims")
with st.container(width=760):
    st.markdown(
        "What the papers claim, tested with this code. The rule for each verdict is code, next to the claim. "
        "A claim that does not hold here is a result too."
    )
    st.markdown(claims.tally(rows))
for row in rows:
    claims.card(row, known)
