"""`python -m benchmarks.claims.floors FOLDER`: what a picture scores of which nothing is known but its mean colour.

FOLDER holds pictures by class, such as `cifar10/test`. 1,000 of them are drawn.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import torch

from gradleak_core.data.pixels import to_tensor
from gradleak_core.metrics.score import score

PSNR, SSIM = 14.374, 0.194
"""The mean floors of CIFAR-10's test pictures at 32 × 32 pixels, as this module prints them."""
COUNT, SEED = 1000, 7000


def measure(folder: Path) -> dict[str, float]:
    """Returns the mean PSNR and SSIM of 1,000 pictures' mean colours against the pictures."""
    files = random.Random(SEED).sample(sorted(path for path in folder.glob("*/*") if path.is_file()), COUNT)
    pictures = torch.cat([to_tensor(file.read_bytes(), 32, 3) for file in files])
    labels = torch.zeros(COUNT)
    found = score(pictures.mean((2, 3), keepdim=True).expand_as(pictures), pictures, labels, labels, 0.0)
    return {name: round(found[name], 3) for name in ("psnr", "ssim")}


if __name__ == "__main__":
    print(measure(Path(sys.argv[1])))
