"""The Lab: the set-up in the sidebar, the run beside it. A watch-only link shows the run alone."""

import streamlit as st

from gradleak_core.config import demand, knobs
from gradleak_core.config.needs import labels_revealed
from pages._parts import pictures, setup, texts
from pages._parts.engine import catalogue, under_way, usable
from pages._parts.fixes import fixes
from pages._parts.former import former
from pages._parts.live_view import live_view, run_alone
from pages._parts.sidebar import sidebar

known = catalogue()
if watched := setup.watched():
    if watched["problem"]:
        st.warning(texts.escaped(watched["problem"]), icon=":material/link_off:")
        st.stop()
    st.markdown(f"**{texts.escaped(watched['name'])}**  \n{texts.assumption(watched['experiment'], known)}")
    run_alone(watched, key="watch")
    st.stop()
setup.restore()

with st.sidebar:
    sidebar()

experiment = setup.current()
images = experiment["images"]
reasons = [*filter(None, map(pictures.problem, images)), *knobs.refusals(experiment, experiment, known)]
if not reasons:
    reasons += filter(None, [demand.lack(experiment, known)])
if not reasons and (slow := demand.delay(experiment, known)):
    st.warning(slow, icon=":material/hourglass_top:")
for sentence in setup.complaints():
    st.warning(texts.escaped(sentence), icon=":material/link_off:")
welcome = f"**{texts.WELCOME}**  \n" if st.session_state["welcome"] else ""
expectation = "" if reasons else f"**{texts.expectation(experiment, known)}**"
st.markdown(f"{welcome}{texts.assumption(experiment, known)} {expectation}")
if st.session_state["welcome"] and (row := under_way()):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"A run is under way on this server: **{texts.escaped(row['name'])}**.", width="content")
        joined = (row["experiment"], row["id"])
        st.button("Watch it", icon=":material/visibility:", key="join", on_click=setup.replace, args=joined)
if reasons:
    fixes(experiment)
shown = usable(setup.shown())
if another := shown is not None and shown["experiment"] != experiment:
    former(shown)

live_view(
    experiment=experiment,
    run=None if another else setup.shown(),
    recording="first" if st.session_state["welcome"] else None,
    refused=" ".join(reasons) or None,
    classes=pictures.class_names(images, known["classes"]),
    preview=pictures.preview(images, experiment["size"], experiment["channels"]),
    summary=f"{pictures.caption(images, known)}: {texts.ingredients(experiment, known)}",
    remark=texts.altered(experiment, known),
    told=labels_revealed(experiment),
    key="live",
    on_run_change=lambda: setup.show(st.session_state["live"]["run"]),
)
setup.write()
