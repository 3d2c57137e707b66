"""The games of a room: what it is being asked, what it was asked before, and its challenges. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradleak_core.languages import say
from gradleak_core.people import NotAdmitted
from gradleak_core.room.challenges import Challenge, load_challenge, save_challenge
from gradleak_core.room.naming import Naming, load_naming, save_naming
from gradleak_core.room.polls import Poll, load_poll, save_poll
from gradleak_core.types import JSON, Refused


class Games:
    """All games of one room. `members` are their nicknames by person, as the room keeps them. Used by one thread."""

    def __init__(self, members: Mapping[str, str]) -> None:
        self.members = members
        self.asked: Poll | Naming | None = None
        """The question that the room is being asked."""
        self.polls: list[Poll] = []
        self.namings: list[Naming] = []
        """The questions that are over, for the results."""
        self.challenges: list[Challenge] = []
        """All challenges, of which the last one may be going on."""

    def ask(self, game: Poll | Naming) -> None:
        """Asks the room something. Raises `Refused` while something else is being asked."""
        if self.asked is not None and self.asked.state != "revealed":
            raise Refused(say("The room is being asked something already; reveal it first, or drop it."))
        self.dismiss()
        self.asked = game

    def dismiss(self) -> None:
        """Takes the question away. What was revealed counts in the results; what was not is dropped."""
        if isinstance(self.asked, Poll) and self.asked.state == "revealed":
            self.polls.append(self.asked)
        if isinstance(self.asked, Naming) and self.asked.state == "revealed":
            self.namings.append(self.asked)
        if self.asked is not None and self.asked.state != "revealed":
            self.asked.state = "dropped"
        self.asked = None

    def clear(self) -> None:
        """Forgets all that was asked."""
        self.dismiss()
        for past in (self.polls, self.namings, self.challenges):
            past.clear()

    def vote(self, person: str | None, poll: Any, option: Any) -> None:
        """Takes a vote. Raises `NotAdmitted` for somebody who is no member, and `Refused`."""
        member = self._member(person)
        if not isinstance(self.asked, Poll) or self.asked.id != poll:
            raise Refused(say("This question is not being asked any more."))
        self.asked.vote(member, option)

    def answer(self, person: str | None, naming: Any, text: Any) -> None:
        """Takes a name for the picture. Raises as `vote` does."""
        member = self._member(person)
        if not isinstance(self.asked, Naming) or self.asked.id != naming:
            raise Refused(say("This question is not being asked any more."))
        self.asked.answer(member, text)

    @property
    def naming_goes_on(self) -> bool:
        """Says whether a picture is being named."""
        return isinstance(self.asked, Naming) and self.asked.state == "forming"

    def covers(self, images: Any) -> bool:
        """Returns whether one of these pictures is being named, so that it must not be shown."""
        named = self.asked.images if isinstance(self.asked, Naming) and self.naming_goes_on else []
        return isinstance(images, list) and any(image in named for image in images)

    @property
    def challenge(self) -> Challenge | None:
        """The challenge that goes on, or the last one; None before the first."""
        return self.challenges[-1] if self.challenges else None

    def common(self) -> JSON:
        """Returns what everybody may see of the games, which is the same for all and so need be packed only once."""
        return {
            "asked": self.asked and self.asked.common(),
            "challenge": self.challenge and self.challenge.common(self.members),
        }

    def own(self, asker: str | None) -> JSON:
        """Returns what one person alone may see of the games, to be laid over `common` where the id is the same."""
        return {
            "asked": self.asked and self.asked.own(asker),
            "challenge": self.challenge and self.challenge.own(asker, self.members),
        }

    def snapshot(self, asker: str | None) -> JSON:
        """Returns all that one person may see of the games."""
        mine = self.own(asker)
        return {name: game and game | mine[name] for name, game in self.common().items()}

    def save(self) -> JSON:
        """Returns all games as JSON, from which `load` takes them."""
        asked = self.asked
        return {
            "poll": save_poll(asked) if isinstance(asked, Poll) else None,
            "naming": save_naming(asked) if isinstance(asked, Naming) else None,
            "polls": [save_poll(poll) for poll in self.polls],
            "namings": [save_naming(naming) for naming in self.namings],
            "challenges": [save_challenge(challenge) for challenge in self.challenges],
        }

    def load(self, saved: JSON) -> None:
        """Takes over the games that were saved."""
        self.polls = [load_poll(poll) for poll in saved.get("polls", ())]
        self.namings = [load_naming(naming) for naming in saved.get("namings", ())]
        self.challenges = [load_challenge(challenge) for challenge in saved.get("challenges", ())]
        poll, naming = saved.get("poll"), saved.get("naming")
        self.asked = load_poll(poll) if poll else load_naming(naming) if naming else None

    def _member(self, person: str | None) -> str:
        if person is None or person not in self.members:
            raise NotAdmitted(say("Join the room first, with its PIN and a nickname."))
        return person
