"""What a first visitor sees before Streamlit has started: the sentence, the button, and a picture that comes back."""

from __future__ import annotations

import base64
import io
import json
from string import Template

from PIL import Image

from pages._parts.site import ASSETS

FRAMES = 24
"""The pictures of the film, from the first guess on."""


def make_poster() -> str:
    """Returns the poster as HTML with its own style and no script. It plays without one, however busy the page is."""
    recording = json.loads((ASSETS / "recordings" / "first.json").read_text(encoding="utf-8"))
    frames = [frame["picture"] for frame in recording["frames"][:FRAMES]]
    template = Template((ASSETS / "poster.html").read_text(encoding="utf-8"))
    return template.substitute(
        truth=recording["truth"],
        film=f"data:image/webp;base64,{base64.b64encode(stack(frames)).decode()}",
        frames=len(frames),
        travel=100 * (1 - 1 / len(frames)),
    )


def stack(pictures: list[str]) -> bytes:
    """Returns pictures, given as `data:` addresses, as one WebP from top to bottom."""
    images = [
        Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))).convert("RGB") for picture in pictures
    ]
    width, height = images[0].size
    whole = Image.new("RGB", (width, height * len(images)))
    for index, image in enumerate(images):
        whole.paste(image, (0, index * height))
    file = io.BytesIO()
    whole.save(file, "WEBP", quality=80)
    return file.getvalue()
