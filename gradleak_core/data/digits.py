"""The built-in handwritten digits in `assets/digits.npz`, so that a model can be trained without a network.

They are E. Alpaydin and C. Kaynak's, from scikit-learn; `assets/samples/LICENCES.md` has the licence. Free of torch.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parents[2] / "assets" / "digits.npz"
DIGITS = tuple("0123456789")
BRIGHTEST = 16
"""The value of white in the file."""
HELD_OUT = 360
"""The number of pictures, of 1,797, that are held out. They are the last, mostly by writers of their own."""


def digits() -> tuple[Any, Any]:
    """Returns pictures (1797, 8, 8) of 0 to 255 and labels (1797,) of 0 to 9, both uint8."""
    with np.load(FILE) as kept:
        return (kept["images"] * (255 / BRIGHTEST)).round().astype(np.uint8), kept["labels"]


def digest_digits() -> str:
    """Returns the SHA-256 of the digits' file, as hex digits."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()
