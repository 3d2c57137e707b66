"""A picture that was dropped on the Lab: a contact sheet restores its set-up, any other becomes the private picture."""

from __future__ import annotations

import json

import streamlit as st

from gradleak_core.types import Refused
from pages._parts.engine import catalogue, service
from pages._parts.images import set_images
from pages._parts.sheets import restore_setup


def take_dropped(answer: str) -> None:
    """Takes over what the server answered to a dropped file. It came by the browser, so it is checked again."""
    said = json.loads(answer)
    try:
        if "setup" in said:
            restore_setup(service().admit(said["setup"], catalogue()))
        else:
            set_images([str(said["image"])])
    except Refused as refused:
        st.session_state["complaints"] = [str(refused)]
        return
    if "spoilt" in said:
        st.session_state["complaints"] = [f"{said['spoilt']} The picture itself is used."]
