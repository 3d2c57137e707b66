"""Claims: what papers say, what came out here, and each of them to run."""

from pages._parts import claim_run, claims
from pages._parts.engine import catalogue
from pages._parts.entrance import entrance
from pages._parts.speaking import st

known = catalogue()
rows = claims.rows()

if found := claim_run.shown(rows):
    claim_run.running(*found)
    st.stop()

st.title("Claims")
if "claim" in st.query_params:
    st.warning(
        "This link's run is no longer stored, or it is not of this claim as it is tried today; press **Run it** to run "
        "the claim again.",
        icon=":material/link_off:",
    )
with st.container(width=760):
    st.markdown(
        "What the papers claim, tested with this code. The rule for each verdict is code, next to the claim. "
        "A claim that does not hold here is a result too."
    )
    st.markdown(claims.tally(rows))
    entrance("claims")
chosen = claims.filtered(rows)
for row in chosen:
    claims.card(row, known)
if not chosen:
    st.markdown("No claim of this paper has this verdict. Choose another verdict or all papers.")
