"""See through Gradients: many seeds that agree, and what batch norm remembers, for whole batches on deep networks.

Labels are read off the last layer's lowest entries. Each seed matches the gradient, prefers smooth pictures whose
statistics before every batch norm are those of the batch, and is shaken by noise so that it does not settle too
early. The seeds then pull each other towards what most of them see.

Departs: pictures are registered by phase correlation onto the best seed, without a learned network; pixels in [0, 1];
the prior on the images' norm is taken around grey; the attacker's pick is the seed of lowest match.
"""

from __future__ import annotations

from gradleak_core.attacks.parts.distances import Norms
from gradleak_core.attacks.parts.labels import RowMinimum
from gradleak_core.attacks.parts.optimisers import Adam
from gradleak_core.attacks.parts.priors import BatchStatistics, Energy, Group, TotalVariation
from gradleak_core.attacks.parts.unknowns import Pixels
from gradleak_core.attacks.recipe import Recipe

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
    priors=(TotalVariation(1e-1), Energy(1e-3), BatchStatistics(1e-1), Group(1e-2, registered=True)),
    optimiser=Adam(lr=0.1, schedule="cosine", warm_up=0.0025, noise=0.2),
    steps=2000,
    seeds=4,
)
