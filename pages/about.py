"""About: this machine, versions, honest limits, keys and licences."""

import streamlit as st

from pages._parts.engine import catalogue, service
from pages._parts.explain import lesson

known = catalogue()
health = service().health()
STATES = {"starting": "starting", "ready": "ready", "busy": "computing", "dead": "not running; it is started again"}

st.title("About")
st.markdown("A federated-learning client shares an update. GradLeak shows how much of a private picture it gives away.")

machine, keys = st.columns(2, gap="large")
with machine:
    st.subheader("This machine")
    for device in known["devices"]:
        st.markdown(f"Computes on **{device['name']}**.")
    for number, worker in enumerate(health["workers"], 1):
        st.markdown(f"Worker {number}: {STATES.get(worker['state'], worker['state'])}.")
        if worker.get("error"):
            st.error(worker["error"])
    waiting = health["queued"]
    st.markdown("No run is waiting for its turn." if not waiting else f"Runs waiting for their turn: {waiting}.")
    if health.get("error"):
        st.error(health["error"])
    st.table({"Part": list(known["versions"]), "Version": list(known["versions"].values())}, border="horizontal")
with keys:
    st.subheader("Keys in the Lab")
    st.table(
        {
            "Key": ["R", "Space", "Left arrow, right arrow"],
            "Does": ["Run it live", "Pause, and go on", "One frame back, one frame forward"],
        },
        border="horizontal",
    )
lesson("limits")
st.subheader("Licences of the samples")
rows = known["samples"].values()
st.table({name: [row[name.lower()] for row in rows] for name in ("Title", "Licence", "Source")}, border="horizontal")
