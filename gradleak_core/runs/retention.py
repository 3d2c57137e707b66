"""What leaves the data folder by itself: uploads that no run needs, and what is older than the operator wants.

Imports no torch.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from gradleak_core.runs.access import NoRun
from gradleak_core.runs.pictures import Pictures
from gradleak_core.runs.prices import Prices
from gradleak_core.runs.store import Store
from gradleak_core.runs.uploaders import forget_unused
from gradleak_core.types import Refused

HOUR, A_DAY = 3600, 86_400
MOST_DAYS = 36_500
retention_log = logging.getLogger("gradleak.retention")


class Retention:
    """Looks every hour for what has to go. `delete` deletes a run; `days` is None where runs are kept for good."""

    def __init__(
        self, store: Store, pictures: Pictures, prices: Prices, delete: Callable[[str], None], days: int | None
    ) -> None:
        self._store, self._pictures, self._prices, self._delete, self._days = store, pictures, prices, delete, days

    async def sweep(self) -> None:
        """Removes what has to go, every hour until it is cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.sweep_once)
            except Exception as error:  # what cannot be read or removed now may be in an hour
                retention_log.warning("Old runs and uploads could not be removed: %s.", error)
            await asyncio.sleep(HOUR)

    def sweep_once(self, now: float | None = None) -> None:
        """Removes the uploads that no run needs, and every run and price that is too old. Raises OSError."""
        if self._days is not None:
            self._remove_before((time.time() if now is None else now) - self._days * A_DAY)
        forget_unused(self._store, self._pictures)

    def _remove_before(self, moment: float) -> None:
        for row in self._store.rows():
            if row["created"] < moment:
                with suppress(NoRun):
                    self._delete(row["id"])
        self._prices.remove_before(moment)
        for file in self._store.path.parent.glob(f"{self._store.path.stem}.damaged-*"):
            if file.stat().st_mtime < moment:
                file.unlink(missing_ok=True)


def read_days(text: str) -> int | None:
    """Returns the days for which runs are kept; None for an empty text. Raises `Refused` for any other."""
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MOST_DAYS:
        return int(text)
    raise Refused(f"Runs can be kept for 1 to {MOST_DAYS:,} days, not for {text[:80]!r}.")
