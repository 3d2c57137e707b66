"""Who has handed in which picture, and for how long that lets them use it. Imports no torch.

A person may use a picture that they handed in for as long as a run of theirs has it, and for a day without one. What
others do with the same picture changes nothing of that, so that nobody can find out whether others have it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gradleak_core.runs.pictures import DAY, Pictures, uploads_of
from gradleak_core.runs.store import Store


def release_uploads(store: Store, pictures: Pictures, row: Mapping[str, Any]) -> None:
    """Takes the uploads of a run that was deleted from its owner, unless another run of theirs has them.

    Those that nobody has handed in any more, and that no run needs, are removed. The caller holds `pictures.lock`.
    """
    images, owner = uploads_of(row["experiment"]), row["owner"]
    if not images:
        return
    if owner is not None:
        images -= {image for other in store.rows_of(owner) for image in uploads_of(other["experiment"])}
        store.forget_uploaders([(image, owner) for image in images])
        store.flush()
    pictures.drop(images - {image for image, _ in store.uploaders()})


def forget_unused(store: Store, pictures: Pictures, now: float | None = None) -> None:
    """Takes from everybody what they handed in more than a day ago and have in no run.

    Raises OSError where a picture that nobody needs cannot be removed.
    """
    oldest = (time.time() if now is None else now) - DAY
    with pictures.lock:
        used = {(image, row["owner"]) for row in store.rows() for image in uploads_of(row["experiment"])}
        store.forget_uploaders([pair for pair, at in store.uploaders().items() if at < oldest and pair not in used])
    pictures.sweep_once()
