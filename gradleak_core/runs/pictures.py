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

    def upload(self, data: bytes, name: str = "") -> dict[str, Any]:
        """Checks and keeps an encoded picture and its file's name, as `take` does.

        Raises `Busy` too, when too many are in hand.
        """
        with writing(), self.decoder.place(), tempfile.TemporaryFile() as file:
            file.write(data)
            return self.take(file, name)

    def take(self, file: IO[bytes], name: str = "") -> dict[str, Any]:
        """Checks and keeps the picture in a file and the file's name, while the caller holds `decoder.place()`.

        Returns its reference as `image`, the `width` and `height` that are left of it in pixels, and as `stretched` the
        reference of a second, brightened picture when it is very dark, else None. Raises `Refused`.
        """
        plain, stretched = self.decoder.check(file)
        with self.lock:
            kept, bright = (picture and uploads.keep_upload(self.folder, picture) for picture in (plain, stretched))
            for reference in (kept, bright):
                if reference:
                    uploads.keep_name(self.folder, str(reference), name)
        width, height = Image.open(io.BytesIO(plain)).size
        return {"image": kept, "width": width, "height": height, "stretched": bright}

    def drop(self, experiment: Any) -> set[str]:
        """Removes the uploads of a deleted experiment that no other experiment needs, and returns them."""
        gone = (mine := uploads.uploads_of(experiment)) and mine - self._needed()
        for image in gone:
            with suppress(Refused, OSError):
                kept = uploads.upload_file(self.folder, image)
                for file in (kept, kept.with_suffix(uploads.NAME_SUFFIX)):
                    file.unlink(missing_ok=True)

        return gone

    def names(self, experiment: Any) -> list[str]:
        """Returns the names of the files that an experiment's uploads came in, as far as they are kept."""
        found = (uploads.read_name(self.folder, image) for image in sorted(uploads.uploads_of(experiment)))
        return list(dict.fromkeys(filter(None, found)))

    def sweep_once(self) -> set[str]:
        """Removes every upload that is older than a day and that no run needs, and returns them. Raises OSError."""
        with self.lock:
            return {f"upload:{name}" for name in uploads.sweep(self.folder, self._needed(), DAY)}

    def _needed(self) -> set[str]:
        return {image for experiment in self._experiments() for image in uploads.uploads_of(experiment)}
