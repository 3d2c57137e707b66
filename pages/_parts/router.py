"""The script of every browser tab: the frame around the pages."""

from gradleak_core.languages import ask_language
from gradleak_core.places import ASSETS
from gradleak_core.runs.disk import Unreadable
from pages._parts import setup, teaching
from pages._parts.engine import service, troubles
from pages._parts.lesson_bench import move_to
from pages._parts.site import pages
from pages._parts.speaking import st

st.set_page_config(
    page_title="GradLeak", page_icon=str(ASSETS / "logo_small.svg"), layout="wide", initial_sidebar_state=300
)
st.logo(str(ASSETS / "logo.svg"), size="large", icon_image=str(ASSETS / "logo_small.svg"))


@st.fragment(run_every=0.2)
def again() -> None:
    """Reruns the page once, since Streamlit keeps an emptied sidebar until another script ends."""
    if not st.session_state["sidebar"]:
        st.rerun()
    st.session_state["sidebar"] = False


if service().asker.member:
    teaching.obey()
teaching.read_address(service().catalogue())
ask_language(teaching.spoken)
alone, framed = bool(setup.watched() or setup.watched_race()), teaching.teaching().embed
page = st.navigation(list(pages().values()), position="hidden" if alone or framed else "top")
lab, taught = not page.url_path, page.url_path == "lessons"
if not taught:
    move_to(None)
if framed:
    st.html(teaching.FRAME)
if taught:
    teaching.keep_language()
elif alone or not lab:
    teaching.keep_in_address()
if alone or not lab:
    for sentence in teaching.complaints():
        st.warning(sentence, icon=":material/link_off:")
st.session_state["sidebar" if lab else "left"] = True
for sentence in troubles():
    st.error(sentence, icon=":material/hard_drive:")
try:
    page.run()
except Unreadable as error:
    st.error(str(error), icon=":material/hard_drive:")
if not lab and st.session_state.get("sidebar"):
    again()
