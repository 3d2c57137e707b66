"""The room of a server: who has joined, what the host has set, and what each may see. Imports no torch."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gradleak_core.config.teaching import read_teaching
from gradleak_core.languages import say
from gradleak_core.people import Asker, NotAdmitted, NotYours
from gradleak_core.room.games import Games
from gradleak_core.types import JSON, Refused

NICKNAME = 20
"""The most characters of a nickname."""
MOST_MEMBERS = 500
TITLE = 60
"""The most characters of a room's title."""
HOST_ALONE = "Only the host of the room can do this."
CLOSED = "The room is closed; ask your host to open it."


class Room:
    """A class on one server. Used on the event loop, and read from any thread.

    `changed` is called whenever somebody may see something else.
    """

    def __init__(self, pin: str, address: str, key: str = "") -> None:
        """Takes the PIN, the address by which phones reach it, and the host's key, of which only the hash is kept."""
        self.pin, self.address = pin, address
        self._key = hash_key(key) if key else ""
        self.title = ""
        self.open = True
        self.paused = False
        """True while the host lets no run go on."""
        self.members: dict[str, str] = {}
        """The nicknames of those who have joined."""
        self.hosts: set[str] = set()
        self.hidden: list[str] = []
        self.locked: list[str] = []
        self.pinned: str | None = None
        self.following: JSON = None
        """What phones follow: the run or race, and the iteration, which is None for the newest."""
        self.shared: set[str] = set()
        """The uploads that their owners show to everybody in the room."""
        self.wanted: dict[str, str] = {}
        """The uploads that the host would like to show, whose owners are asked, by a run of each."""
        self.declined: set[str] = set()
        """The uploads whose owners were asked last time and keep them private."""
        self.here: Counter[str] = Counter()
        """How many pages of the room each person has open."""
        self.games = Games(self.members)
        self.changed: Callable[[], None] = lambda: None

    def door(self, *, with_pin: bool = False) -> str:
        """Returns the address of the room's page, with the PIN in it if wanted."""
        return f"{self.address}room" + (f"?pin={self.pin}" if with_pin else "")

    def recognise(self, asker: Asker) -> Asker:
        """Returns somebody who asks with what they are in the room. Whoever has joined may start runs."""
        host = asker.person in self.hosts
        member = self.open and asker.person in self.members
        return replace(asker, host=host, member=member, admitted=asker.admitted or host or member)

    def host(self, asker: Asker, key: str) -> None:
        """Makes somebody a host. Raises `Refused` for a wrong key."""
        if asker.person is None or not (self._key and hmac.compare_digest(hash_key(key), self._key)):
            raise NotYours(say("This is not the host's key; open the link that the server printed when it started."))
        self.hosts.add(asker.person)
        self.changed()

    def require_host(self, asker: Asker) -> None:
        """Raises `NotYours` for everybody but a host."""
        if not asker.host:
            raise NotYours(say(HOST_ALONE))

    def require_member(self, asker: Asker) -> str:
        """Returns the person who asks. Raises `NotAdmitted` for everybody but members and hosts."""
        if asker.person is None or not asker.in_room:
            raise NotAdmitted(say("Join the room first, with its PIN and a nickname."))
        return asker.person

    def check_open(self) -> None:
        """Raises `Refused` while the room is closed."""
        if not self.open:
            raise Refused(say(CLOSED))

    def join(self, person: str, nickname: Any) -> None:
        """Takes somebody in, or gives a member another name. Raises `Refused` for a name that cannot be had."""
        self.check_open()
        if person not in self.members and len(self.members) >= MOST_MEMBERS:
            raise Refused(say("The room is full."))
        self.members[person] = self._free_name(person, nickname)
        self.changed()

    def leave(self, person: str) -> None:
        """Lets a member go."""
        self.members.pop(person, None)
        self.changed()

    def rename(self, member: str, nickname: Any) -> None:
        """Gives the member with this public id another name. Raises `Refused`."""
        person = self.person_of(member)
        self.members[person] = self._free_name(person, nickname)
        self.changed()

    def remove(self, member: str) -> str:
        """Turns out the member with this public id, and returns the person. Raises `Refused`."""
        person = self.person_of(member)
        self.leave(person)
        return person

    def person_of(self, member: str) -> str:
        """Returns the person with a public id. Raises `Refused` for nobody."""
        for person in self.members:
            if public_id(person) == member:
                return person
        raise Refused(say("Nobody in the room has this name any more."))

    def set_controls(self, hidden: Any, locked: Any, catalogue: JSON = None) -> None:
        """Hides and locks controls of the Lab for all members. Raises `Refused` for names of nothing."""
        found = read_teaching({"hide": names(hidden), "lock": names(locked)}, catalogue)
        if found.complaints:
            raise Refused(" ".join(found.complaints))
        self.hidden, self.locked = sorted(found.hidden), sorted(found.locked)
        self.changed()

    def set_title(self, title: Any) -> None:
        """Gives the room a title; an empty one takes it away. Raises `Refused`."""
        self.title = clean_line(title, TITLE, say("A title is a text of at most {most} characters.", most=TITLE))
        self.changed()

    def pin_run(self, run: str | None) -> None:
        """Shows one run large on the wall; None takes it away."""
        self.pinned = run
        self.changed()

    def follow(self, run: str | None, at: int | None = None) -> None:
        """Has the phones follow a run or a race, at an iteration or at its newest picture; None lets them go."""
        self.following = None if run is None else {"run": run, "at": at}
        self.changed()

    def ask_for(self, image: str, run: str) -> None:
        """Asks the owners of an upload whether the room may see it."""
        self.wanted[image] = run
        self.declined.discard(image)
        self.changed()

    def share(self, image: str, shared: bool) -> None:
        """Lets the room see an upload, or no longer."""
        (self.shared.add if shared else self.shared.discard)(image)
        asked = self.wanted.pop(image, None) is not None
        (self.declined.add if asked and not shared else self.declined.discard)(image)
        self.changed()

    def close(self) -> None:
        """Ends the room: its members are guests again. The host stays, and can open it anew."""
        self.open, self.paused, self.title = False, False, ""
        self.members.clear()
        self.shared.clear()
        self.wanted.clear()
        self.declined.clear()
        self.hidden, self.locked, self.pinned, self.following = [], [], None, None
        self.games.clear()
        self.changed()

    def reopen(self) -> None:
        """Lets people join again."""
        self.open = True
        self.changed()

    def common(self) -> JSON:
        """Returns what everybody in the room may see."""
        members = [
            {"id": public_id(person), "name": name, "here": self.here[person] > 0}
            for person, name in self.members.items()
        ]
        return {
            "title": self.title, "open": self.open, "held": self.paused, "members": members,
            "hidden": self.hidden, "locked": self.locked, "pinned": self.pinned, "following": self.following,
        } | self.games.common()  # fmt: skip

    def own(self, asker: Asker) -> JSON:
        """Returns what one person alone may see, to be laid over `common`."""
        person = asker.person or ""
        mine = {"role": role_of(asker), "name": self.members.get(person, ""), "id": public_id(person)}
        if asker.host:
            mine |= {"pin": self.pin, "address": self.address}
        return mine | self.games.own(asker.person)

    def snapshot(self, asker: Asker) -> JSON:
        """Returns all that one person may see; to whoever has not joined only that there is a room."""
        if not asker.in_room:
            return {"role": "guest", "open": self.open, "title": self.title, "address": self.address}
        own = self.own(asker)
        games = self.games.snapshot(asker.person)
        return self.common() | own | games

    def save(self) -> JSON:
        """Returns the whole room as JSON, from which `load` takes it."""
        return {
            "pin": self.pin, "title": self.title, "open": self.open, "paused": self.paused, "members": self.members,
            "hosts": sorted(self.hosts), "hidden": self.hidden, "locked": self.locked, "pinned": self.pinned,
            "following": self.following, "shared": sorted(self.shared), "wanted": self.wanted,
            "games": self.games.save(),
        }  # fmt: skip

    def load(self, saved: JSON) -> None:
        """Takes over a room that was saved, but for its PIN, with which this one was made."""
        self.title, self.open, self.paused = saved["title"], saved["open"], saved["paused"]
        self.members.update(saved["members"])
        self.hosts.update(saved["hosts"])
        self.hidden, self.locked = saved["hidden"], saved["locked"]
        self.pinned, self.following = saved["pinned"], saved["following"]
        self.shared.update(saved["shared"])
        self.wanted.update(saved["wanted"])
        self.games.load(saved["games"])

    def _free_name(self, person: str, nickname: Any) -> str:
        refusal = say("A nickname is a text of 1 to {most} characters.", most=NICKNAME)
        name = clean_line(nickname, NICKNAME, refusal)
        if not any(unicodedata.category(letter)[0] in "LN" for letter in name):
            raise Refused(refusal)
        taken = {alike(other) for one, other in self.members.items() if one != person}
        if alike(name) in taken:
            raise Refused(say("Somebody in the room has this nickname already; choose another."))
        return name


def role_of(asker: Asker) -> str:
    """Returns what somebody is in the room."""
    return "host" if asker.host else "member" if asker.member else "guest"


def public_id(person: str) -> str:
    """Returns an id of a member that everybody may know, from which nobody finds the person."""
    return hashlib.sha256(f"member {person}".encode()).hexdigest()[:12]


def hash_key(key: str) -> str:
    """Returns the hash of a host's key."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def clean_line(text: Any, most: int, refusal: str) -> str:
    """Returns a text as one line without what cannot be seen. Raises `Refused` for one that is too long, or none."""
    if not isinstance(text, str) or len(text) > 10 * most:
        raise Refused(refusal)
    seen = (letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter)[0] != "C")
    line = " ".join("".join(seen).split())
    if len(line) > most:
        raise Refused(refusal)
    return line


def alike(name: str) -> str:
    """Returns what two names that look the same have in common."""
    return unicodedata.normalize("NFKC", name).casefold().replace(" ", "")


def names(value: Any) -> list[str]:
    """Returns a list of names. Raises `Refused` for anything else."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value) or len(value) > 100:
        raise Refused(say("What to hide and to lock is a list of names."))
    return value
