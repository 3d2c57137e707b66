"""See through Gradients: many restarts that agree, and what batch norm remembers, for whole batches on deep networks.

The attacker reads the labels off the last layer's lowest entries. Each restart matches the gradient, prefers smooth
pictures whose statistics before every batch norm are those of the batch, and gets noise, so that it does not settle too
early. The restarts also pull each other towards what most of them see.

The paper weighs the gradient by 1e-3, total variation by 1e-4, the L2 norm by 1e-6, the statistics by 0.1 and the group
by 0.01. Here the weight of the distance is 1, and each prior has ten times the paper's weight, so that the priors keep
their ratios. In order, a prior measures the mean absolute difference of neighbouring pixels, the norm of the whole
batch around grey, the gaps of means and variances summed over the batch norms, and the gap between the whole batch and
the consensus.

Departs: beside the priors, the distance counts a hundred times as much as in the paper, because otherwise the
statistics drown the gradient on networks of a few layers; pixels lie in [0, 1], where the paper's are standardised;
phase correlation, instead of a learned network, registers pictures onto the restart of smallest distance; the norm of
the images is taken around grey; the attacker answers with the restart of smallest distance.
"""

from __future__ import annotations

from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.distances import Norms
from gradleak_core.attacks.parts.labels import RowMinimum
from gradleak_core.attacks.parts.optimisers import Adam
from gradleak_core.attacks.parts.priors import BatchStatistics, Energy, Group, TotalVariation
from gradleak_core.attacks.parts.unknowns import Pixels

PAPER = (
    "Yin, Mallya, Vahdat, Alvarez, Kautz & Molchanov: See through Gradients: Image Batch Recovery via GradInversion. "
    "CVPR 2021, arXiv:2104.07586"
)
TITLE = "GradInversion"

ATTACK = Recipe(
    name="gradinversion",
    distance=Norms(),
    labels=RowMinimum(),
    unknowns=(Pixels(begin="grey", boxed=True),),
    priors=(TotalVariation(1e-3), Energy(1e-5), BatchStatistics(1.0), Group(0.1, registered=True)),
    optimiser=Adam(lr=0.1, schedule="cosine", warm_up=0.0025, noise=0.2),
    steps=2000,
    restarts=4,
)
