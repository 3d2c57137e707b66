"""Who has handed in which picture, and for how long that lets them use it. Imports no torch.

A person may use a picture that they handed in for as long as a run of theirs has it, and for a day without one. What
others do with the same picture changes nothing of that, so that nobody can find out whether others have it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from gradleak_core.data.uploads import uploads_of
from gradleak_core.runs.pictures import DAY, Pictures
from gradleak_core.runs.store import Store


def release_uploads(store: Store, pictures: Pictures, row: Mapping[str, Any]) -> None:
    """Takes the uploads of a run that was deleted from whoever had it, unless another run of theirs has them.

    Those that nobody has handed in any more, and that no run needs, are removed. The caller holds `pictures.lock`.
    """
    images = uploads_of(row["experiment"])
    if not images:
        return
    for person in people_of(row):
        kept = {image for other in store.rows_of(person) for image in uploads_of(other["experiment"])}
        store.forget_uploaders([(image, person) for image in images - kept])
    store.flush()
    drop_unclaimed(store, pictures, images)


def release_all(store: Store, pictures: Pictures, people: Collection[str]) -> None:
    """Takes all their uploads from people, and removes those that nobody else has. The caller holds the lock."""
    pairs = [(image, person) for person in people for image in store.uploads_of(person)]
    store.forget_uploaders(pairs)
    store.flush()
    drop_unclaimed(store, pictures, {image for image, _ in pairs})


def drop_unclaimed(store: Store, pictures: Pictures, images: set[str]) -> None:
    """Removes those of these uploads that nobody has handed in and no run needs."""
    pictures.drop(images - {image for image, _ in store.uploaders()})


def people_of(row: Mapping[str, Any]) -> set[str]:
    """Returns whose a stored run is: its owner's, and in a room everybody's who has joined it."""
    return {person for person in (row["owner"], *(row.get("people") or ())) if person is not None}


def forget_unused(store: Store, pictures: Pictures, now: float | None = None) -> None:
    """Takes from everybody what they handed in more than a day ago and have in no run.

    Raises OSError where a picture that nobody needs cannot be removed.
    """
    oldest = (time.time() if now is None else now) - DAY
    with pictures.lock:
        used = {
            (image, person)
            for row in store.rows()
            for image in uploads_of(row["experiment"])
            for person in people_of(row)
        }
        store.forget_uploaders([pair for pair, at in store.uploaders().items() if at < oldest and pair not in used])
    pictures.sweep_once()
