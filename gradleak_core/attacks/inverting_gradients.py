"""Inverting Gradients: match the gradient's direction instead of its length, and prefer smooth pictures.

Deep networks with ReLU defeat DLG's squared distance. The angle between two gradients is easier to make small, and a
prior for smooth pictures (total variation) chooses among the many that match. Adam uses only the sign of each pixel's
gradient.

Departs: pixels lie in [0, 1], in units four times as large as the paper's; the first guess is noise around grey; the
step size starts at 0.4 and falls as a cosine, where the paper's starts at 0.1 and falls by tens, because on ResNet-20
large early steps put more of the picture in place; the weight of total variation falls to a twentieth, so that shapes
come before detail, and ends at 0.01, below which the picture drowns in noise; a restart keeps its iterate of smallest
distance, not its last. A deep network hardly says where in the picture a thing is: restarts that match equally well put
it in different places, and their mean (four restarts, answer "mean") is nearer to the truth than any of them.
"""

from __future__ import annotations

from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.distances import Cosine
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.attacks.parts.optimisers import Adam
from gradleak_core.attacks.parts.priors import TotalVariation
from gradleak_core.attacks.parts.unknowns import Pixels

PAPER = (
    "Geiping, Bauermeister, Dröge & Moeller: Inverting Gradients - How easy is it to break privacy in federated "
    "learning? NeurIPS 2020, arXiv:2003.14053"
)
TITLE = "Inverting Gradients"

ATTACK = Recipe(
    name="inverting_gradients",
    distance=Cosine(),
    labels=KnownLabels(),
    unknowns=(Pixels(begin="grey", signed=True, boxed=True),),
    priors=(TotalVariation(1e-2, early=20),),
    optimiser=Adam(lr=0.4, schedule="cosine"),
    steps=1600,
)
