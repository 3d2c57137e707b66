"""What somebody has to do before they can start something: type the room's PIN, or log in."""

from __future__ import annotations

from gradleak_core.people.register import LOG_IN, TYPE_PIN
from gradleak_core.types import JSON, Refused
from pages._parts.engine import service
from pages._parts.speaking import st
from pages._parts.texts import escaped, note

SAYS = {TYPE_PIN: "Type the room's PIN to run it:", LOG_IN: "Log in to run it:"}
ACTS = {TYPE_PIN: "Enter", LOG_IN: "Log in"}


def barrier() -> str | None:
    """Returns why this person may not start anything yet, as a sentence; None if they may."""
    desk = service()
    return desk.people.barrier(desk.asker) if desk.people else None


def entry() -> JSON:
    """Returns what a live view shows in the place of Run: a sentence, a button, and whether a PIN is typed; or None."""
    why = barrier()
    return why and {"says": SAYS.get(why, why), "act": ACTS.get(why, ""), "typed": why == TYPE_PIN}


def apart() -> bool:
    """Returns whether everybody has runs of their own on this server."""
    return service().people is not None


def whose() -> str:
    """Says after a number of runs whose the runs are that this person may change; nothing on an open server."""
    return "" if not apart() else " of the room" if service().asker.host else " of yours"


def in_room() -> bool:
    """Returns whether this person takes part in a room, in which the same set-up is computed once for all."""
    return service().asker.in_room


def room_button() -> None:
    """Leads to the page of the room; on a server without one it tells its operator how to start one."""
    if service().room is not None:
        st.link_button("Room", "./room", icon=":material/groups:")
        return
    if not service().asker.everything:
        return
    with st.popover("Room", icon=":material/groups:"):
        st.markdown("A class can join this server by phone. Start it with `python -m gradleak_core serve --room`.")


def enter(pin: str) -> str | None:
    """Admits this person if the PIN is right, and else returns why not. Where a login is set up, it begins."""
    desk = service()
    if barrier() == LOG_IN:
        st.login()
    elif desk.people is not None:
        try:
            desk.people.enter(desk.asker, pin, st.context.ip_address or "")
        except Refused as refused:
            return str(refused)
    return None


def enter_and_complain(pin: str) -> None:
    """Admits this person, or has the live view say why not."""
    if why := enter(pin):
        st.session_state["complaints"] = [why]


def way_out() -> None:
    """Shows who has logged in, with a button to log out; nothing where nobody has."""
    desk = service()
    if desk.people is None or desk.people.log_in is None or not desk.asker.admitted:
        return
    name = st.user.get("name") or st.user.get("email")
    with st.container(horizontal=True, vertical_alignment="center"):
        note(f"You are logged in as {escaped(str(name))}." if name else "You are logged in.")
        st.button("Log out", on_click=st.logout, icon=":material/logout:")


def entrance(key: str) -> bool:
    """Returns whether this person may start something. Shows what they have to do first if they may not."""
    why = barrier()
    if why is None:
        return True
    note(why)
    if why == TYPE_PIN:
        with st.form(f"entrance:{key}", border=False):
            pin = st.text_input("PIN", max_chars=12, label_visibility="collapsed", placeholder="PIN", width=220)
            if st.form_submit_button(ACTS[why]):
                if refusal := enter(pin.strip()):
                    st.error(refusal)
                else:
                    st.rerun()
    elif why == LOG_IN:
        st.button(ACTS[why], key=f"login:{key}", on_click=st.login)
    return False
