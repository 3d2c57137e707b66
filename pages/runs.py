"""Runs: every run on this server, or of this person, to find, open, compare, repeat, change, tag, export or delete."""

from itertools import chain

from gradleak_core.runs.several import all_tags
from pages._parts import choosing, history, race_card
from pages._parts.engine import catalogue, service
from pages._parts.entrance import room_button, way_out, whose
from pages._parts.site import pages
from pages._parts.speaking import st

known = catalogue()
rows = service().runs()

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Runs")
    room_button()
way_out()
if not rows:
    st.markdown("There are no runs yet. Press **Run it live** in the Lab. Every run is kept here, frame by frame.")
    if st.button("Go to the Lab", type="primary", icon=":material/science:"):
        st.switch_page(pages()["lab"])
elif compared := history.compared(rows):
    history.comparison(compared)
else:
    if "compare" in st.query_params:
        st.warning(history.incomparable(rows), icon=":material/link_off:")
    shown, tags = choosing.filtered(rows), all_tags(rows)
    choosing.toolbar(rows, [*chain.from_iterable(race_card.entries(shown))])
    count = f"{len(rows)} {'run' if len(rows) == 1 else 'runs'}{whose()}"
    kept = f"{count} kept on this server, newest first."
    st.markdown(kept if len(shown) == len(rows) else f"{len(shown)} of {kept}")
    for entry in history.page_of(race_card.found_entries(rows, shown)):
        race_card.entry(entry, tags)
