"""Trade-off: what a defence costs in accuracy, beside what it leaves to the attacker."""

from pages._parts import recorded, setup, trade_off
from pages._parts.engine import catalogue
from pages._parts.speaking import st

known = catalogue()

st.title("Trade-off")
st.markdown("A defence hides pictures and disturbs learning. Move its strength and see both.")
TABS = ("Recorded curves", "Price it here")
explored, priced = st.tabs(TABS, default=TABS["price" in st.query_params], key="trade-off")
with explored:
    recorded.explorer()
with priced:
    trade_off.pricing(setup.kept())
