"""Claims: what papers say, what came out here, and a set-up to watch it."""

import streamlit as st

from pages._parts import claims
from pages._parts.engine import catalogue

known = catalogue()
rows = claims.rows()

st.title("Claims")
with st.container(width=760):
    st.markdown(
        "What the papers say, tried on this code. The rule of each verdict is code, beside the claim; "
        "a claim that does not hold here is a result as well."
    )
    st.markdown(claims.tally(rows))
for row in rows:
    claims.card(row, known)
