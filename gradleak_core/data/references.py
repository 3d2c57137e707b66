"""The schemes of references to images, and the refusal of one that names nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from gradleak_core.config.schemas import quoted
from gradleak_core.types import Refused

SAMPLES_COMMAND = "python -m gradleak_core catalogue samples"
SCHEMES = ("sample", "upload", "dataset", "folder")
WHERE_LISTED = {
    "sample:": f"choose one under Picture in the Lab, or see `{SAMPLES_COMMAND}`.",
    "folder:": "choose one under Picture in the Lab; GRADLEAK_DATASETS says which folders there are.",
}
"""Where the images of a scheme are listed."""


def unknown_image(reference: str, known: Iterable[str]) -> Refused:
    """Returns the refusal of a reference that names nothing, with the closest known reference if any is close."""
    scheme = reference.partition(":")[0] + ":"
    rest = {name.removeprefix(scheme): name for name in known}
    close = difflib.get_close_matches(reference.removeprefix(scheme), rest, n=1)
    advice = WHERE_LISTED.get(scheme, "choose one from the list of images.")
    if close:
        advice = f"did you mean {rest[close[0]]!r}?"
    return Refused(f"There is no image {quoted(reference)}; {advice}")
