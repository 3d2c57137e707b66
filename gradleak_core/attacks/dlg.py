"""Deep Leakage from Gradients: search for the image and label whose gradient equals the one that was shared.

The attacker starts from noise and a random label, computes the gradient that they would have caused, and changes both
until it equals the shared one. By then the noise has become the private picture. The attack needs a model with smooth
activations, and takes tens to hundreds of steps of L-BFGS on a small network.

Departs: an iteration is one evaluation, with backtracking instead of full steps; the first guess is noise around grey,
N(0.5, 0.25), which needs about a quarter of the iterations of the paper's N(0, 1) (the knob "First guess" offers both).
"""

from __future__ import annotations

from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.distances import Squared
from gradleak_core.attacks.parts.labels import OptimisedLabels
from gradleak_core.attacks.parts.optimisers import LBFGS
from gradleak_core.attacks.parts.unknowns import Pixels

PAPER = "Zhu, Liu & Han: Deep Leakage from Gradients. NeurIPS 2019, arXiv:1906.08935"
TITLE = "DLG"

ATTACK = Recipe(
    name="dlg",
    distance=Squared(),
    labels=OptimisedLabels(),
    unknowns=(Pixels(begin="grey"),),
    priors=(),
    optimiser=LBFGS(lr=1.0),
    steps=3000,
    restarts=1,
    goal=1e-9,
)
