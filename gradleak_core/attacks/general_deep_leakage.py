"""Towards General Deep Leakage: count the labels, repeats included, and use every update of the same batch.

How often each class occurs follows from the last layer's gradient, so a batch may hold a label twice. When the client
uses the batch again in later rounds, a guess must match all its updates at once. Restarts of smaller distance lead the
others.

Departs: the priors that keep pixels in range pass on their gradient, which the published code stops; the group weighs
restarts by the inverse of their distance, since the paper's weights are not public, and squares their gap to the
consensus.
"""

from __future__ import annotations

from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.distances import Squared
from gradleak_core.attacks.parts.labels import LabelCounts
from gradleak_core.attacks.parts.optimisers import LBFGS
from gradleak_core.attacks.parts.priors import Box, Group, Scale, TotalVariation
from gradleak_core.attacks.parts.unknowns import Pixels

PAPER = (
    "Geng, Mou, Li, Li, Beyan, Decker & Rong: Towards General Deep Leakage in Federated Learning. 2021, "
    "arXiv:2110.09074; Improved Gradient Inversion Attacks and Defenses in Federated Learning. IEEE TBD 2023"
)
TITLE = "General deep leakage"

ATTACK = Recipe(
    name="general_deep_leakage",
    distance=Squared(),
    labels=LabelCounts(),
    unknowns=(Pixels(begin="grey"),),
    priors=(TotalVariation(1e-4), Box(1e-2), Scale(1e-3), Group(3e-5, weighted=True, squared=True)),
    optimiser=LBFGS(lr=1.0),
    steps=3000,
    restarts=2,
    goal=1e-7,
)
