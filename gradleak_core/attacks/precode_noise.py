"""Restore PRECODE's noise: solve for it together with the image.

The client's noise is one vector for each image. As an unknown beside the pixels, it can be found as they can, and then
every layer's gradient counts again.
"""

from __future__ import annotations

from dataclasses import replace

from gradleak_core.attacks.inverting_gradients import ATTACK as INVERTING_GRADIENTS
from gradleak_core.attacks.parts.optimisers import Adam
from gradleak_core.attacks.parts.priors import TotalVariation
from gradleak_core.attacks.parts.stances import Solve

PAPER = (
    "Noise-restoring attack on Scheliga, Mäder & Seeland: PRECODE - A Generic Model Extension to Prevent Deep Gradient "
    "Leakage. WACV 2022, arXiv:2108.04725"
)
TITLE = "PRECODE noise restoring"

ATTACK = replace(
    INVERTING_GRADIENTS,
    name="precode_noise",
    stance=Solve(),
    priors=(TotalVariation(1e-4),),
    optimiser=Adam(lr=0.1, schedule="cosine"),
    steps=2000,
)
