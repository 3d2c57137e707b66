"""What a service knows of the engine, and what it answers about prices. Imports no torch."""

from __future__ import annotations

import math
from typing import Any

from gradleak_core.config import demand
from gradleak_core.config.limits import Limits
from gradleak_core.config.schemas import quoted
from gradleak_core.runs.access import Access, NoRun
from gradleak_core.runs.disk import writing
from gradleak_core.runs.estimates import REMEMBERED, Experience
from gradleak_core.runs.known import Known
from gradleak_core.runs.prices import Prices, check_request
from gradleak_core.types import Refused


class NotReady(RuntimeError):
    """An error for requests that come before the engine has started. The message is a sentence."""


class PriceDesk(Access):
    """The prices of one data folder, as one person may use them, and what the engine can do."""

    prices: Prices
    limits: Limits
    _known: Known

    def catalogue(self) -> Any:
        """Returns the catalogue of what the engine can do; None until it is known, on the very first start."""
        return self._known.value

    def require_catalogue(self) -> Any:
        """Returns the catalogue. Raises `NotReady` before it is known."""
        if self._known.value is None:
            raise NotReady("The engine is still starting; try again in a few seconds.")
        return self._known.value

    def start_price(self, experiment: Any, defences: Any, federation: Any = None) -> str:
        """Begins to price no defence and each of these, and returns the id. Raises `Refused` or `NotReady`."""
        self.require_admission()
        catalogue = self.require_catalogue()
        self.check_uploads([experiment], shared=())  # what the room shares may be taken back, and a price stays
        asked = check_request(experiment, defences, federation, catalogue, self.folder)
        self.check_price(asked[0], len(asked[1]) + 1, asked[2])
        longest = math.inf if self.person is None else self.limits.run
        with writing():
            return self.prices.start(*asked, owner=self.person, longest=longest)

    def check_price(self, experiment: Any, settings: int, federation: Any) -> None:
        """Raises `Refused` for a price that would take longer than one person may have the computer for."""
        if self.person is not None:
            attack = Experience(self.store.results(REMEMBERED)).estimate(experiment, self.catalogue()).seconds
            rounds = federation["rounds"]
            most = demand.most_rounds(rounds, federation["seeds"])
            pictures = most * federation["clients"] * federation["batch"]
            seconds = attack + demand.estimate_learning(experiment, pictures, self.catalogue())
            self.limits.check_price(experiment, seconds, settings, rounds)

    def expected_price(self, experiment: Any, federation: Any, settings: int) -> float | None:
        """Returns the seconds that the asker's last price of this set-up says for so many settings; None without."""
        return self.prices.expected(experiment, federation, settings, None if self.asker.everything else self.owns)

    def price(self, name: str) -> Any:
        """Returns the status of a price, what it is doing, and its points so far. Raises `NoRun`."""
        found = self.prices.get(name)
        if found is None or not self.owns(self.prices.owner(name)):
            raise NoRun(f"There is no price {quoted(name)}.")
        return found

    def stop_price(self, name: str) -> None:
        """Ends a price and keeps its points. Raises `NoRun`, or `Refused` when it has ended already."""
        self.price(name)
        if not self.prices.stop(name):
            raise Refused("This price is finished already.")

    def delete_price(self, name: str) -> None:
        """Ends a price if it goes on, and removes it with its points. Raises `NoRun`."""
        self.price(name)
        with writing():
            self.prices.remove(name)

    def newest_price(self) -> str | None:
        """Returns the id of the asker's last price that can be read; None without one."""
        return self.prices.newest(None if self.asker.everything else self.owns)
