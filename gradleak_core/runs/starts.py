"""The guess that a fork goes on from, inside the worker."""

from __future__ import annotations

import base64
from typing import Any

import torch

from gradleak_core.data.pixels import from_strip
from gradleak_core.types import FirstGuess


def read_first_guess(start: Any) -> FirstGuess:
    """Returns the guess that a run goes on from, in the order that it had for the attacker."""
    images = from_strip(base64.b64decode(start["picture"]), len(start["labels"]))
    places = torch.tensor(start["order"]).argsort()
    return FirstGuess(images[places, : start["channels"]], tuple(start["labels"][place] for place in places.tolist()))
