"""The doctor: why a run did not recover the picture, on what evidence, and a set-up that would prove it.

It explains to the onlooker, so it may look at what the attacker never sees: distances at the private picture and true
labels, which the engine measures at the end of a run (`evidence.measure_evidence`). Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradleak_core.config import demand, knobs
from gradleak_core.doctor.patient import CURVE, Adjustment, Finding, Patient, reached
from gradleak_core.doctor.rules import CAUSES, refused_update
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import recognisable

ENDED = ("done", "recovered", "level", "stuck", "diverged", "refused")
"""The statuses of runs that came to an end of their own, and so can have a cause."""


@dataclass(frozen=True)
class Mend:
    """A set-up in which the cause is gone: the words for its button, what changes, and the whole set-up."""

    title: str
    changes: tuple[Adjustment, ...]
    experiment: JSON


@dataclass(frozen=True)
class Diagnosis:
    """The cause of a failure: its name, a sentence, the numbers behind it, what they rest on, and a mend if any."""

    cause: str
    sentence: str
    evidence: str
    basis: str
    mend: Mend | None

    @property
    def title(self) -> str:
        """The cause in a few words."""
        return IN_SHORT[self.cause]

    def json(self) -> dict[str, Any]:
        """Returns the diagnosis as JSON; the mend names each changed knob by its path."""
        mend = self.mend and {"title": self.mend.title, "changes": dict(self.mend.changes)}
        named = {"cause": self.cause, "sentence": self.sentence, "evidence": self.evidence, "basis": self.basis}
        return named | {"mend": mend}


def diagnose(row: Mapping[str, Any], catalogue: JSON) -> Diagnosis | None:
    """Returns why a run did not recover the picture; None if it did, has not ended, or was never examined.

    `row` has `status`, `message`, `experiment` and `result`, as a stored run has.
    """
    result = row.get("result") or {}
    if row["status"] not in ENDED or recognisable(result.get("metrics") or {}):
        return None
    refused = row["status"] == "refused"
    if not refused and not result.get("evidence"):
        return None
    evidence, redrawn = result.get("evidence") or {}, result.get("redrawn", 0)
    patient = Patient(row["experiment"], row["status"], row.get("message") or "", evidence, redrawn, catalogue)
    rules = (refused_update,) if refused else CAUSES
    found = next((finding for rule in rules for finding in rule(patient)), None)
    if found is None and refused:
        return None
    found = found or unexplained(patient)
    return Diagnosis(found.cause, found.sentence, found.evidence, found.basis, find_mend(found, patient))


IN_SHORT = {
    "client_divergence": "the client's own training ran off",
    "saturated": "the model is already certain of the label",
    "defence": "the defence stands in the way",
    "local_steps": "several local steps were taken for one",
    "mode": "the attacker computes in the wrong mode",
    "hidden": "the first layer is hidden",
    "labels": "the labels are wrong or alike",
    "divergence": "the attack's steps are too large",
    "relu": "L-BFGS cannot follow ReLUs",
    "statistics": "the batch's statistics are not known",
    "numbers": "the update holds too few numbers",
    "iterations": "the run ended too early",
    "unknown": "no single cause was found",
}
"""Each cause in a few words, which fit a line."""
UNKNOWN = "No single cause was found. Another seed, more restarts or another attack may still succeed."
MIXED = "No single cause was found. One update of several pictures mixes them, which makes each harder to tell apart."


def unexplained(patient: Patient) -> Finding:
    """Returns that no cause was found, with a proof for a batch: one of its pictures alone."""
    images, labels = patient.experiment["images"], patient.experiment.get("labels")
    alone = ("Run it with the first picture alone", (("images", images[:1]), ("labels", labels and labels[:1])))
    mends = (alone,) if len(images) > 1 else ()
    return Finding("unknown", MIXED if mends else UNKNOWN, reached(patient), CURVE, mends)


def find_mend(found: Finding, patient: Patient) -> Mend | None:
    """Returns the first of a finding's mends that can be run here and changes something; None without any."""
    for title, changes in found.mends:
        mended = patient.experiment
        try:
            for path, value in changes:
                mended = knobs.put(mended, path, value, patient.catalogue)
        except Refused:
            continue
        refusals = knobs.refusals(mended, mended, patient.catalogue)
        if mended != patient.experiment and not refusals and not demand.lack(mended, patient.catalogue):
            return Mend(title, changes, mended)
    return None
