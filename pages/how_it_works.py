"""How it works: figures of what leaks and why, every attack and defence with its source, and what the numbers mean."""

from pages._parts import explain
from pages._parts.engine import catalogue
from pages._parts.speaking import st

known = catalogue()
families = known["families"]
st.title("How it works")
leak, attacks, defences, numbers = explain.tabs()
if leak.open:
    with leak:
        explain.explanation("the_leak")
        for idea in ("gradient", "label", "matching"):
            explain.figure(idea)
        explain.explanation("harder")
        st.button("What defences do to it", key="to:defences", icon=":material/arrow_forward:",
                  on_click=explain.open_tab, args=("defences",))  # fmt: skip
if attacks.open:
    with attacks:
        explain.contents(families["attacks"])
        for name, entry in families["attacks"].items():
            explain.attack(name, entry)
if defences.open:
    with defences:
        explain.explanation("defences")
        for idea in ("noise", "dropout", "precode"):
            explain.figure(idea)
        explain.contents(families["defences"])
        for name, entry in families["defences"].items():
            explain.defence(name, entry)
if numbers.open:
    with numbers:
        explain.explanation("reading_the_view")
        explain.metrics(known["metrics"])
