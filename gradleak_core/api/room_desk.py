"""Where a room's games meet the runs of its server: what the phones are shown, and who scores. Imports no torch."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from gradleak_core.api.room_plays import FormingGuess, recorded_costs
from gradleak_core.people import Asker, may_change
from gradleak_core.room.challenges import Challenge
from gradleak_core.room.games import Games
from gradleak_core.room.naming import Naming
from gradleak_core.room.polls import Poll
from gradleak_core.runs.room_store import RoomStore
from gradleak_core.runs.service import Service

SCORED_EVERY = 2.0
"""The seconds between two looks at the runs of a challenge."""


class GameDesk:
    """The games of a room, played by the runs of a service. Used on the event loop only.

    `changed` is called whenever somebody may see something else.
    """

    def __init__(
        self, games: Games, service: Service, changed: Callable[[], None], hosts: Collection[str] = ()
    ) -> None:
        self.games, self.service, self.changed, self.hosts = games, service, changed, hosts
        self.follow: Callable[[str | None], None] = lambda run: None
        """Has the phones follow a run, or a race, that the host is about to show; None lets them go."""
        self.tasks: set[asyncio.Task[None]] = set()

    def hosted_by(self, asker: Asker) -> bool:
        """Returns whether somebody runs the room."""
        return asker.everything or asker.person in self.hosts

    def admits(self, asker: Asker) -> bool:
        """Returns whether somebody is in the room, or runs it."""
        return self.hosted_by(asker) or asker.person in self.games.members

    def covers(self, asker: Asker, row: Any) -> bool:
        """Returns whether a run must not be shown to somebody while a picture is being named.

        The room then sees no run of others: if only those of the picture were hidden, it would be known by what is
        missing. Nobody else sees a run of the picture, by a link neither. Owners and hosts see what they always do.
        """
        if not self.games.naming_goes_on or self.hosted_by(asker) or may_change(asker, row["owner"]):
            return False
        return asker.person in self.games.members or self.games.covers(row["experiment"].get("images"))

    def take_up(self) -> None:
        """Goes on with what a room was doing when its last server stopped."""
        if isinstance(self.games.asked, Naming):
            self.play(self.games.asked)
        if self.games.challenge and not self.games.challenge.ended:
            self._go_on(self._score_on(self.games.challenge))

    def close(self) -> None:
        """Ends what goes on."""
        for task in self.tasks:
            task.cancel()

    def ask(self, game: Poll | Naming) -> None:
        """Asks the room something. Raises `Refused` while something else is being asked."""
        self.games.ask(game)
        if isinstance(game, Naming):
            self.follow(None)
            for run in list(self.service.hub.known):
                self.service.hub.ask_again(run)  # whoever watches what is covered now is turned away
        self.changed()

    def dismiss(self) -> None:
        """Takes away what the room is being asked."""
        self.games.dismiss()
        self.changed()

    def start(self, poll: Poll) -> None:
        """Has the room follow what a question is about."""
        if poll.played:
            self.follow(poll.race or poll.played[0])
        self.changed()

    def play(self, naming: Naming) -> None:
        """Lets the guess of a run that is being named form on the phones."""
        self._go_on(FormingGuess(self.service, naming).play(self.changed))
        self.changed()

    def challenge(self, challenge: Challenge) -> None:
        """Begins a challenge, and ends the one before."""
        if self.games.challenge:
            self.games.challenge.ended = True
        self.games.challenges.append(challenge)
        self._go_on(self._score_on(challenge))
        self.changed()

    async def score(self) -> None:
        """Looks up who has done best in the challenge that goes on."""
        if challenge := self.games.challenge:
            store = self.service.store
            assert isinstance(store, RoomStore)
            rows, asked = await asyncio.to_thread(lambda: (store.rows(), store.asked_since(challenge.begun)))
            if challenge.look(rows, list(self.games.members), recorded_costs(), asked):
                self.changed()

    async def _score_on(self, challenge: Challenge) -> None:
        while not challenge.ended and self.games.challenge is challenge:
            await self.score()
            await asyncio.sleep(SCORED_EVERY)

    def _go_on(self, what: Any) -> None:
        task = asyncio.create_task(what)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def count_runs(rows: Collection[Any], members: Collection[str]) -> dict[str, int]:
    """Returns how many runs each member has, alone or with others."""
    people = (person for row in rows for person in {row.get("owner"), *row.get("people", ())})
    return dict(Counter(person for person in people if person in members))
