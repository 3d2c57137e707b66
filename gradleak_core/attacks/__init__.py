"""The attacks, one module a paper. A new one is one file here and its name in `PAPERS`."""

from __future__ import annotations

from types import ModuleType

from gradleak_core.attacks import dlg, idlg, inverting_gradients
from gradleak_core.attacks.parts.distances import DISTANCES
from gradleak_core.attacks.parts.labels import LABELS
from gradleak_core.attacks.parts.optimisers import OPTIMISERS
from gradleak_core.attacks.parts.priors import PRIORS
from gradleak_core.attacks.parts.unknowns import UNKNOWNS
from gradleak_core.attacks.recipe import Recipe
from gradleak_core.types import Attack

__all__ = ["ATTACKS", "ATTACK_KINDS", "PAPERS", "PARTS"]

PAPERS: tuple[ModuleType, ...] = (dlg, idlg, inverting_gradients)
ATTACKS: dict[str, Attack] = {paper.ATTACK.name: paper.ATTACK for paper in PAPERS}

ATTACK_KINDS: dict[str, type] = {"recipe": Recipe}
PARTS: dict[str, dict[str, type]] = {
    "distances": {**DISTANCES},
    "labels": {**LABELS},
    "unknowns": {**UNKNOWNS},
    "priors": {**PRIORS},
    "optimisers": {**OPTIMISERS},
}
