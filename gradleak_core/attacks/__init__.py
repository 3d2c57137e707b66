"""The attacks, one module for each paper. A new attack is one file here and one line in `ATTACK_MODULES`."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from gradleak_core.attacks.closed_form import ClosedForm
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.distances import DISTANCES
from gradleak_core.attacks.parts.labels import LABELS
from gradleak_core.attacks.parts.matched import MATCHED
from gradleak_core.attacks.parts.optimisers import OPTIMISERS
from gradleak_core.attacks.parts.priors import PRIORS
from gradleak_core.attacks.parts.stances import STANCES
from gradleak_core.attacks.parts.unknowns import UNKNOWNS
from gradleak_core.types import Attack

__all__ = ["ATTACKS", "ATTACK_KINDS", "PAPERS", "PARTS", "RECIPES"]

ATTACK_MODULES = (
    "dlg",
    "idlg",
    "inverting_gradients",
    "sapag",
    "gradinversion",
    "general_deep_leakage",
    "dropout_readoff",
    "dropout_inversion",
    "precode_bypass",
    "precode_noise",
    "linear_inversion",
)
"""The modules in the order of every list; an attack has the name of its module."""
PAPERS: tuple[ModuleType, ...] = tuple(import_module(f"{__name__}.{name}") for name in ATTACK_MODULES)
ATTACKS: dict[str, Attack] = {paper.ATTACK.name: paper.ATTACK for paper in PAPERS}

RECIPES: dict[str, Recipe] = {name: attack for name, attack in ATTACKS.items() if isinstance(attack, Recipe)}
"""The attacks that search."""
ATTACK_KINDS: dict[str, type] = {"recipe": Recipe, "closed_form": ClosedForm}
PARTS: dict[str, dict[str, type]] = {
    "distances": {**DISTANCES},
    "labels": {**LABELS},
    "unknowns": {**UNKNOWNS},
    "priors": {**PRIORS},
    "optimisers": {**OPTIMISERS},
    "stances": {**STANCES},
    "matched": {**MATCHED},
}
