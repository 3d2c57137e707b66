"""Trade-off: what a defence costs in accuracy, beside what it leaves to the attacker."""

import streamlit as st

from pages._parts import setup, texts, trade_off
from pages._parts.engine import catalogue, service
from pages._parts.note import note

known = catalogue()
experiment = setup.kept()

st.title("Trade-off")
st.markdown(
    "A defence hides pictures and disturbs learning. Here several clients train the same model, once without a defence "
    "and once for each setting of one. Then the attack meets the same defence on its own picture."
)
attacked = texts.ingredients(experiment | {"defences": []}, known)
note(
    f"The attack uses the Lab's set-up: {attacked}. Change it in the Lab. The attack runs once per setting, with one "
    "draw of the noise, on the Lab's model rather than the one trained here."
)

left, right = st.columns([2, 3], gap="large")
with left:
    trade_off.form(experiment)
with right:
    name = trade_off.shown()
    if name is None:
        st.markdown("Nothing has been measured here yet. Choose a defence and press **Price it**.")
    elif service().price(name)["status"] == "running":
        trade_off.growing(name)
    else:
        trade_off.result(service().price(name))
