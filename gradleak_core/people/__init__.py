"""Who asks, and what they may see and change. Imports no torch.

Every browser is a person, known by a signed cookie; there are no accounts. What a person starts or uploads is theirs.
In a room, a run can be several people's, everybody sees what holds no private upload, and all is the host's to end.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from gradleak_core.data.uploads import uploads_of
from gradleak_core.types import Refused

SIGN = "."
"""What stands between the id of a run or a race and the link that opens it."""
UNTOLD = ("owner", "link", "race_link")
"""The columns of a run that say who may see it, and that are shown to nobody."""
IN_ROOM = ("people", "in_room")
"""The columns that say so on a server with a room: whose a run is, and whether the room may see it."""


class NotAdmitted(Refused):
    """An error for somebody who has to type the PIN or to log in first. The message is a sentence."""


class NotYours(Refused):
    """An error for somebody who may look at something and not change it. The message is a sentence."""


@dataclass(frozen=True)
class Asker:
    """Somebody who asks the server for something."""

    person: str | None = None
    """The id of the person; None for a browser that keeps no cookie, and on an open server."""
    admitted: bool = False
    """True if they may start runs, races and prices, and upload pictures."""
    everything: bool = False
    """True if all is theirs, as everything is everybody's on an open server."""
    host: bool = False
    """True if they run the room, and may see and end all that is in it."""
    member: bool = False
    """True if they have joined the room."""

    @property
    def in_room(self) -> bool:
        """Returns whether they take part in the room."""
        return self.person is not None and (self.host or self.member)


EVERYBODY = Asker(admitted=True, everything=True)
"""Whoever asks an open server."""


def may_see(asker: Asker, row: Mapping[str, Any], link: str = "", shared: Container[str] = ()) -> bool:
    """Returns whether somebody may look at a run, with the link that they hold or without one.

    This is the one place that says who may see what: those whose run it is, and whoever holds the link of the run or of
    its race. In a room it is the host too, and every member unless it holds an upload that is not `shared` with them.
    """
    if may_leave(asker, row) or opens(link, row.get("link")) or opens(link, row.get("race_link")):
        return True
    readable = asker.member and bool(row.get("in_room") and row["experiment"])
    return readable and all(image in shared for image in uploads_of(row["experiment"]))


def may_leave(asker: Asker, row: Mapping[str, Any]) -> bool:
    """Returns whether a run is somebody's, alone or with others of the room, so that they may stop and delete it."""
    return may_change(asker, row.get("owner"), row.get("in_room")) or asker.person in (row.get("people") or ())


def may_change(asker: Asker, owner: str | None, in_room: Any = False) -> bool:
    """Returns whether somebody may change what belongs to `owner`; None is the operator, whom no cookie names.

    What is `in_room` is the host's to change as well.
    """
    whole = asker.everything or bool(asker.host and in_room)
    return whole or (asker.person is not None and asker.person == owner)


def opens(link: str, wanted: str | None) -> bool:
    """Returns whether a link is the one that was made. It takes equally long for every wrong one."""
    return bool(link and wanted) and hmac.compare_digest(link.encode(errors="replace"), str(wanted).encode())


def make_link() -> str:
    """Returns a new link of 128 random bits, in letters that an address keeps as they are."""
    return secrets.token_urlsafe(16)


def read_reference(text: str) -> tuple[str, str]:
    """Returns the id and the link in what an address names a run or a race by; the link is empty without one."""
    name, _, link = text.partition(SIGN)
    return name, link


def write_reference(name: str, link: str) -> str:
    """Returns what an address names a run or a race by: its id, and the link that opens it unless that is empty."""
    return f"{name}{SIGN}{link}" if link else name
