"""Dropout Inversion: solve for the dropout masks together with the image.

An attacker who ignores the client's dropout inverts a network other than the one that was trained. This attack makes
every mask an unknown. A mask starts from a fresh draw and may take any value between dropped and kept; a prior asks
only that each layer keep the share that it is known to keep.

Departs: pixels lie in [0, 1], in units four times as large as the paper's; the step size falls as a cosine instead of
on plateaus; the run has a fixed length instead of the paper's patience.
"""

from __future__ import annotations

from dataclasses import replace

from gradleak_core.attacks.inverting_gradients import ATTACK as INVERTING_GRADIENTS
from gradleak_core.attacks.parts.optimisers import Adam
from gradleak_core.attacks.parts.priors import KeepRate, TotalVariation
from gradleak_core.attacks.parts.stances import Solve

PAPER = (
    "Scheliga, Mäder & Seeland: Dropout Is NOT All You Need to Prevent Gradient Leakage. AAAI 2023, arXiv:2208.06163"
)
TITLE = "Dropout Inversion"

ATTACK = replace(
    INVERTING_GRADIENTS,
    name="dropout_inversion",
    stance=Solve(),
    priors=(TotalVariation(1e-5), KeepRate(1e-4)),
    optimiser=Adam(lr=0.1, schedule="cosine"),
    steps=3000,
    goal=1e-6,
)
