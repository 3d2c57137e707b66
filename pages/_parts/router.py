"""The script of every browser tab: the frame around the pages."""

import streamlit as st

from pages._parts.site import ASSETS, pages

st.set_page_config(
    page_title="GradLeak", page_icon=str(ASSETS / "logo_small.svg"), layout="wide", initial_sidebar_state=330
)
st.logo(str(ASSETS / "logo.svg"), size="large", icon_image=str(ASSETS / "logo_small.svg"))
st.navigation(list(pages().values()), position="top").run()
