"""About: this machine, versions, honest limits, keys and licences."""

from pages._parts.engine import catalogue, service
from pages._parts.explain import explanation
from pages._parts.speaking import st
from pages._parts.teaching import choose_language
from pages._parts.texts import table

known = catalogue()
health = service().health()
STATES = {"starting": "starting", "ready": "ready", "busy": "computing", "dead": "not running; it is being restarted"}
KEYS = [
    ["R", "Run it live"],
    ["Space", "Pause or resume"],
    ["Left arrow, right arrow", "One frame back, one frame forward"],
]

st.title("About")
st.markdown(
    "A client in federated learning shares an update. GradLeak shows how much of a private picture that gives away."
)

choose_language()
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
    st.markdown(table(["Part", "Version"], [list(row) for row in known["versions"].items()]))
with keys:
    st.subheader("Keys in the Lab")
    st.markdown(table(["Key", "Does"], KEYS))
explanation("limits")
st.subheader("Licences of the samples")
st.markdown("\n".join("- **{title}** ({licence}): {source}".format(**row) for row in known["samples"].values()))
