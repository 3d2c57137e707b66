"""Talks: lists of chapters for the stage, to present, to write and to rehearse."""

import streamlit as st

from gradleak_core.languages import say
from pages._parts import talk_editor, talk_list

st.title(say("Talks"))
if name := talk_list.opened():
    talk_editor.editor(name)
else:
    talk_list.listing()
