"""The uploads of one data folder: read in processes of their own, and kept for as long as a run needs them."""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from PIL import Image

from gradleak_core.config.limits import USUAL_LIMITS, Limits, OverLimit, Rate
from gradleak_core.data import uploads
from gradleak_core.data.decoder import Busy, Decoder
from gradleak_core.runs.disk import writing
from gradleak_core.types import Refused

DAY = 86_400
"""The seconds for which an upload is kept that no run uses."""
FOR_LATER = (Busy, OverLimit)
"""The refusals of a picture that may be taken later."""


class Pictures:
    """The uploads of one data folder. `experiments` returns those of all runs, whose uploads are needed.

    May be used from any thread. Whoever adds a run holds `lock`, so that no upload is removed that it is about to need.
    """

    def __init__(self, folder: Path, experiments: Callable[[], Iterable[Any]], limits: Limits = USUAL_LIMITS) -> None:
        self.folder, self.limits = folder, limits
        self._rate = Rate()
        self.decoder = Decoder()
        self.lock = threading.Lock()
        self._experiments = experiments

    def admit(self, person: str | None, kept: Iterable[str] = ()) -> None:
        """Counts a picture that a person hands in, whose uploads `kept` are here already. Raises `OverLimit`.

        Where people are not told apart, nobody is limited.
        """
        if person is None:
            return
        files = (uploads.upload_file(self.folder, image) for image in kept)
        self.limits.check_pictures(sum(file.stat().st_size for file in files if file.is_file()))
        self._rate.count(person, self.limits.uploads)

    def upload(self, data: bytes) -> dict[str, Any]:
        """Checks and keeps an encoded picture, as `take` does.

        Raises `Busy` too, when too many are in hand.
        """
        with writing(), self.decoder.place(), tempfile.TemporaryFile() as file:
            file.write(data)
            return self.take(file)

    def take(self, file: IO[bytes]) -> dict[str, Any]:
        """Checks and keeps the picture in a file, while the caller holds `decoder.place()`.

        Returns its reference as `image`, the `width` and `height` that are left of it in pixels, and as `stretched` the
        reference of a second, brightened picture when it is very dark, else None. Raises `Refused`.
        """
        plain, stretched = self.decoder.check(file)
        with self.lock:
            kept, bright = (picture and uploads.keep_upload(self.folder, picture) for picture in (plain, stretched))
        width, height = Image.open(io.BytesIO(plain)).size
        return {"image": kept, "width": width, "height": height, "stretched": bright}

    def drop(self, images: set[str]) -> None:
        """Removes those of these uploads that no experiment needs."""
        for image in images and images - self._needed():
            with suppress(Refused, OSError):
                kept = uploads.upload_file(self.folder, image)
                for file in (kept, kept.with_suffix(uploads.NAME_SUFFIX)):
                    file.unlink(missing_ok=True)

    def sweep_once(self) -> None:
        """Removes every upload that is older than a day and that no run needs. Raises OSError."""
        with self.lock:
            uploads.sweep(self.folder, self._needed(), DAY)

    def _needed(self) -> set[str]:
        return {image for experiment in self._experiments() for image in uploads.uploads_of(experiment)}
