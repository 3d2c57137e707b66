"""How it works: what leaks and why, every attack and defence with its own source, and what the numbers mean."""

import streamlit as st

from pages._parts import explain
from pages._parts.engine import catalogue

known = catalogue()
st.title("How it works")
TABS = {"leak": "The leak", "attacks": "Attacks", "defences": "Defences", "numbers": "Reading the numbers"}
leak, attacks, defences, numbers = st.tabs([*TABS.values()], default=TABS.get(st.query_params.get("tab", "leak")))
with leak:
    explain.lesson("the_leak")
with attacks:
    for name, entry in known["families"]["attacks"].items():
        explain.attack(name, entry)
with defences:
    explain.lesson("defences")
    for name, entry in known["families"]["defences"].items():
        explain.defence(name, entry)
with numbers:
    explain.lesson("reading_the_view")
    explain.metrics(known["metrics"])
