"""The link by which others may watch a run or a race, on a server where everybody has their own."""

from __future__ import annotations

from urllib.parse import urljoin

from gradleak_core.people import write_reference
from gradleak_core.runs import sharing
from gradleak_core.runs.access import NoRun
from pages._parts import texts
from pages._parts.engine import service
from pages._parts.entrance import apart
from pages._parts.speaking import st

WAYS = {
    "run": (sharing.link_of_run, sharing.share_run, sharing.unshare_run),
    "race": (sharing.link_of_race, sharing.share_race, sharing.unshare_race),
}
"""How the link of a run and of a race is found, made and ended."""


def share(what: str, name: str) -> None:
    """Shows the link of a `run` or a `race` with the button that ends it, or the button that makes one."""
    if not apart():
        return
    find, make, end = WAYS[what]
    try:
        link = find(service(), name)
    except NoRun:  # deleted meanwhile, in another tab
        return
    if link is None:
        st.button("Share by a link", key=f"share:{name}", width="stretch", icon=":material/link:",
                  on_click=change, args=(make, name))  # fmt: skip
    else:
        st.caption("Whoever has this link can watch and export it, and change nothing.")
        st.code(urljoin(st.context.url or "", f"./?{what}={write_reference(name, link)}&watch=1"), wrap_lines=True)
        st.button("End this link", key=f"unshare:{name}", width="stretch", icon=":material/link_off:",
                  on_click=change, args=(end, name))  # fmt: skip
    texts.show_refusal(f"share:{name}")


def change(act: sharing.Act, name: str) -> None:
    """Makes or ends a link; a run that has been deleted meanwhile is said to be gone."""
    with texts.refusing(f"share:{name}"):
        act(service(), name)
