"""Bypass PRECODE: match only the layers before its bottleneck, whose inputs the noise never touches.

PRECODE's noise makes the gradients of its own and all later layers random. In the layers before it, the noise changes
only what flows back; the image's own trace, which was fed forward, stays. So the distance leaves the other layers out.
No picture matches what is left exactly, and the distance keeps swinging: its smallest value means little, so the answer
is the last iterate.
"""

from __future__ import annotations

from dataclasses import replace

from gradleak_core.attacks.inverting_gradients import ATTACK as INVERTING_GRADIENTS
from gradleak_core.attacks.parts.matched import BeforeRandomness
from gradleak_core.attacks.parts.optimisers import Adam
from gradleak_core.attacks.parts.priors import TotalVariation

PAPER = (
    "Scheliga, Mäder & Seeland: Combining Variational Modeling with Partial Gradient Perturbation to Prevent Deep "
    "Gradient Leakage. 2022, arXiv:2208.04767"
)
TITLE = "PRECODE bypass"

ATTACK = replace(
    INVERTING_GRADIENTS,
    name="precode_bypass",
    matched=BeforeRandomness(),
    priors=(TotalVariation(1e-2),),
    optimiser=Adam(lr=0.2, schedule="cosine"),
    steps=300,
    answer="last",
)
