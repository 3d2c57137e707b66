"""What a first visitor sees before Streamlit has started: the sentence, the button, and a picture that comes back."""

from __future__ import annotations

import base64
import io
import json
from string import Template

from PIL import Image

from pages._parts.pictures import encoded, joined
from pages._parts.site import ASSETS

FRAMES = 24
"""The pictures of the film, from the first guess on."""


def make_poster() -> str:
    """Returns the poster as HTML with its own style and no script. It plays without one, however busy the page is."""
    recording = json.loads((ASSETS / "recordings" / "first.json").read_text(encoding="utf-8"))
    frames = [from_address(frame["picture"]) for frame in recording["frames"][:FRAMES]]
    template = Template((ASSETS / "poster.html").read_text(encoding="utf-8"))
    return template.substitute(
        truth=recording["truth"],
        film=encoded(joined(frames), quality=80),
        frames=len(frames),
        travel=100 * (1 - 1 / len(frames)),
    )


def from_address(address: str) -> Image.Image:
    """Returns the picture that a `data:` address holds."""
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")
