"""A failed run as the doctor sees it, what a rule finds in it, and the sentences on its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradleak_core.config.needs import facts
from gradleak_core.types import JSON

TRUTH = "Measured with the private picture, which the attacker does not have."
CURVE = "Seen from the set-up and the attack's own distance; the attacker could know it too."
EXPLAINED = 3.0
"""A mistake explains a failure if the distance that it leaves at the truth is at least a third of the attack's."""
NEGLIGIBLE = 1e-4
"""The share of the distance of an update of zeros below which a mistake hardly hides a picture."""

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
"""Digits as exponents."""

Adjustment = tuple[str, Any]
"""A knob's path and its new value."""


@dataclass(frozen=True)
class Finding:
    """A cause that a rule has found, with the mends to try in this order, each a title and its changes."""

    cause: str
    sentence: str
    evidence: str
    basis: str = TRUTH
    mends: tuple[tuple[str, tuple[Adjustment, ...]], ...] = ()


@dataclass(frozen=True)
class Patient:
    """A failed run: its set-up, what the engine said of it, its evidence and the catalogue."""

    experiment: JSON
    status: str
    message: str
    evidence: Mapping[str, float]
    redrawn: int
    catalogue: JSON

    def share(self, name: str) -> float | None:
        """Returns a distance as a share of that of an update of zeros; None if it was not measured."""
        zeros = self.evidence.get("zeros")
        return self.evidence[name] / zeros if zeros and name in self.evidence else None

    def fact(self, name: str) -> float:
        """Returns a fact of the set-up."""
        return facts(self.experiment, self.catalogue)[name]


def percent(share: float) -> str:
    """Returns a share as a percentage of two digits: 45 %, 0.0021 %."""
    digits = f"{100 * share:.2g}"
    return f"{float(digits):f}".rstrip("0").rstrip(".") + " %" if "e" in digits else f"{digits} %"


def reached(patient: Patient) -> str:
    """Says how near the attack came to the update, by the number that the live view has as Distance."""
    best, zeros = patient.evidence.get("best"), patient.evidence.get("zeros")
    if best is None or not zeros:
        return "No finite guess is left."
    end, none = write_distance(best), write_distance(zeros)
    return f"The attack ended at a gradient distance of {end}; an update of zeros would have {none}."


def at_truth(patient: Patient, name: str, otherwise: str) -> str:
    """Says what the distance is at the private picture under one mistake, and what it would be without it."""
    said = f"At the private picture itself the gradient distance is {tell_distance(patient, name)}; {otherwise}. "
    return said + reached(patient)


def tell_distance(patient: Patient, name: str) -> str:
    """Returns a measured number of the evidence as text."""
    value = patient.evidence.get(name)
    return "unknown" if value is None else write_distance(value)


def write_distance(value: float) -> str:
    """Returns a distance as the live view writes it: 127, 0.0421, 4.2 × 10⁻⁵."""
    if value and abs(value) < 0.001:
        digits, power = f"{value:.1e}".split("e-")
        return f"{digits} × 10⁻" + str(int(power)).translate(RAISED)
    if abs(value) >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.4f}"[:6]


def explains(patient: Patient, name: str) -> bool:
    """Returns whether a mistake's distance at the truth is large enough to explain where the attack ended."""
    share, best = patient.share(name), patient.share("best")
    return share is not None and share > NEGLIGIBLE and (best is None or share >= best / EXPLAINED)
