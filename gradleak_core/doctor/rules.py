"""The causes that the doctor knows, each a function that looks for one of them in a failed run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from gradleak_core.config import knobs
from gradleak_core.config.needs import local_steps, patterns
from gradleak_core.doctor.patient import (
    CURVE,
    Adjustment,
    Finding,
    Patient,
    at_truth,
    explains,
    percent,
    reached,
    tell_distance,
)
from gradleak_core.types import MOST_STEPS
from gradleak_core.verdicts import ALMOST_ZERO, NOT_FINITE, NOTHING_SEEN, RUN_OFF, outnumbered

FALLING = 0.1
"""The share of the distance that the last quarter of a run has to take away to count as falling still."""
CERTAIN = 0.999
"""The probability of the true label from which a model has hardly anything left to learn."""
HARDLY = 1e-2
"""The largest entry below which the update of such a model is faint."""
WIDER = (32, 64)
"""The widths that a network gets whose update held too few numbers, the first that is more than it has."""
MORE = 4
"""How many times the iterations a run gets that was too short."""

UNTRAINED = ("Run it with untrained weights", (("weights", "untrained"),))
FRESH_WEIGHTS = ("Run it with PyTorch's own first weights", (("model.init", "default_init"),))
WITHOUT_DEFENCES: tuple[str, tuple[Adjustment, ...]] = ("Run it without the defence", (("defences", []),))
EVERYTHING_SEEN = ("Run it with every layer seen", (("threat.hidden", ""),))


def refused_update(patient: Patient) -> Iterator[Finding]:
    """Finds why the engine would not attack an update at all."""
    said, trained = patient.message, patient.experiment.get("weights", {}).get("epochs")
    if said.startswith(ALMOST_ZERO):
        yield saturated(patient, "No entry of the update is larger than single precision can resolve.")
    elif said.startswith(NOT_FINITE) and RUN_OFF in said:
        yield client_divergence(patient, "After its local steps the client's update is not finite.")
    elif said.startswith(NOT_FINITE):
        fresh = UNTRAINED if trained else FRESH_WEIGHTS
        words = "The model's weights are so large that the client's update is not finite."
        yield Finding("client_divergence", words, said, mends=(fresh,))
    elif said.startswith(NOTHING_SEEN):
        words = "The attacker sees nothing but zeros: the defences or the hidden layers leave nothing."
        yield Finding("defence", words, said, mends=(WITHOUT_DEFENCES, EVERYTHING_SEEN))


def saturated(patient: Patient, evidence: str) -> Finding:
    words = "The model is already certain of the label, so the update is almost zero: nothing leaks."
    return Finding("saturated", words, evidence, mends=(UNTRAINED, FRESH_WEIGHTS))


def client_divergence(patient: Patient, evidence: str) -> Finding:
    rate = patient.experiment["client"]["lr"]
    words = "The client's own training ran off: its local steps are too large to be repeated."
    lower = lower_rate(rate, patient.catalogue["client"]["default"]["lr"])
    slower = (f"Run it with a client's learning rate of {lower:g}", (("client.lr", lower),))
    return Finding("client_divergence", words, f"{evidence} Its learning rate is {rate:g}.", mends=(slower,))


def lower_rate(rate: float, usual: float) -> float:
    """Returns the usual step size if it is lower than this one, else a tenth of this one."""
    return usual if usual < rate else rate / 10


def diverged_client(patient: Patient) -> Iterator[Finding]:
    """Finds a client whose loss grew in its local steps."""
    before, after = (patient.evidence.get(name) for name in ("before", "after"))
    if before is not None and (after is None or after > max(2 * before, before + 2)):
        end = "is not finite" if after is None else f"is {after:.3g}"
        yield client_divergence(patient, f"The client's loss was {before:.3g} and {end} after its local steps.")


def saturated_model(patient: Patient) -> Iterator[Finding]:
    """Finds a model that has hardly anything left to learn from the pictures."""
    certainty, largest = patient.evidence.get("certainty", 0), patient.evidence.get("largest", 1)
    if certainty > CERTAIN and largest < HARDLY:
        sure = f"The model gives the true label a probability of {certainty:.6g}"
        yield saturated(patient, f"{sure}; the largest entry of the update is {largest:.2g}.")


def noise_floor(patient: Patient) -> Iterator[Finding]:
    """Finds defences after which the private picture itself no longer matches the update."""
    if patient.experiment["defences"] and explains(patient, "floor"):
        instead = " and the ".join(knobs.substitutes(patient.experiment, patient.catalogue))
        words = (
            f"The client trained on the {instead}, not on the private picture, so that is all there is to recover."
            if instead
            else "The defence changed the update so much that the private picture no longer matches it best."
        )
        evidence = at_truth(patient, "floor", "without the defence it would be 0")
        yield Finding("defence", words, evidence, mends=(WITHOUT_DEFENCES,))


def unknown_draws(patient: Patient) -> Iterator[Finding]:
    """Finds masks or noise inside the model that the attacker computed without."""
    if explains(patient, "draws"):
        words = "The defence drew masks or noise inside the model that the attacker did not have."
        evidence = at_truth(patient, "draws", f"with the client's draws it would be {tell_distance(patient, 'floor')}")
        told = ("Run it with the draws told to the attacker", (("attack.stance", "told"),))
        yield Finding("defence", words, evidence, mends=(*breaks(patient), WITHOUT_DEFENCES, told))


def breaks(patient: Patient) -> Iterator[tuple[str, tuple[Adjustment, ...]]]:
    """Yields the attack that breaks a lone dropout before the classifier, whose mask the update of one image shows."""
    defences = patient.experiment["defences"]
    if len(defences) == 1 and (defences[0]["kind"], defences[0].get("place")) == ("dropout", "before_classifier"):
        yield "Run it with the mask read off the update", (("attack.stance", "read_off"),)


def mistaken_steps(patient: Patient) -> Iterator[Finding]:
    """Finds several local steps that the attacker took for one."""
    if explains(patient, "steps"):
        steps = local_steps(patient.experiment)
        words = f"The attacker took the client's {steps} local steps for a single one."
        evidence = at_truth(patient, "steps", f"with all steps repeated it is {tell_distance(patient, 'floor')}")
        known = ("Run it with the local steps known", (("threat.local_steps", "known"),))
        yield Finding("local_steps", words, evidence, mends=(known,))


def mistaken_mode(patient: Patient) -> Iterator[Finding]:
    """Finds a client in train mode whom the attacker imitates in eval mode."""
    if explains(patient, "mode"):
        words = "The client computed in train mode, the attacker in eval mode: their batch norms differ."
        evidence = at_truth(patient, "mode", f"in the client's mode it would be {tell_distance(patient, 'floor')}")
        yield Finding("mode", words, evidence, mends=(("Run it in the client's mode", (("threat.mode", "same"),)),))


def hidden_start(patient: Patient) -> Iterator[Finding]:
    """Finds a first layer whose update the attacker does not see."""
    hidden = patterns(patient.experiment["threat"]["hidden"])
    row = knobs.find_entry("models", patient.experiment["model"], patient.catalogue)
    first = next(iter(row.get("layers") or ()), "")
    if first and any(fnmatchcase(f"{first}.weight", pattern) for pattern in hidden):
        words = "The first layer is hidden, and only its gradient is made of the pixels themselves."
        yield Finding("hidden", words, f"Hidden: {', '.join(hidden)}. {reached(patient)}", CURVE, (EVERYTHING_SEEN,))


def mistaken_labels(patient: Patient) -> Iterator[Finding]:
    """Finds labels that the attacker got wrong."""
    if explains(patient, "labels"):
        one = len(patient.experiment["images"]) == 1
        words = (
            "The attacker has the wrong label, and no picture of another label causes this update."
            if one
            else "The attacker has wrong labels: it missed some that are there and took others for them."
        )
        evidence = at_truth(patient, "labels", f"with the true labels it is {tell_distance(patient, 'floor')}")
        told = ("Run it with the labels told", (("attack.labels", "known_labels"),))
        yield Finding("labels", words, evidence, mends=(told,))


def diverged_attack(patient: Patient) -> Iterator[Finding]:
    """Finds an attack whose guesses ran off."""
    optimiser = patient.experiment["attack"].get("optimiser", {})
    all_redrawn = patient.redrawn >= patient.experiment["attack"].get("restarts", 1)
    if patient.status == "diverged" or all_redrawn or (patient.status == "stuck" and optimiser.get("kind") == "adam"):
        usual = knobs.find_entry("optimisers", optimiser, patient.catalogue)["default"]
        lower = lower_rate(optimiser["lr"], usual["lr"])
        words = "The attack's guesses ran off: its steps are too large for this update."
        count = f"{patient.redrawn} guesses ran off and were drawn anew." if patient.redrawn else reached(patient)
        smaller = (f"Run it with a step size of {lower:g}", (("attack.optimiser.lr", lower),))
        yield Finding("divergence", words, count, CURVE, (smaller,))


def rough_activations(patient: Patient) -> Iterator[Finding]:
    """Finds L-BFGS on a network with ReLUs, whose gradients jump."""
    attack = patient.experiment["attack"]
    if attack.get("optimiser", {}).get("kind") == "lbfgs" and patient.fact("relu"):
        words = "L-BFGS needs a smooth function, and the gradients of this network's ReLUs jump."
        smooth = ("Run it with smooth activations", (("model.activation", "sigmoid"),))
        other = ("Run Inverting Gradients instead", (("attack", "inverting_gradients"),))
        floor = f"At the private picture it would be {tell_distance(patient, 'floor')}."
        yield Finding("relu", words, f"{reached(patient)} {floor}", mends=(other, smooth))


def unknown_statistics(patient: Patient) -> Iterator[Finding]:
    """Finds a batch norm in train mode whose statistics of the batch the attacker has to guess."""
    batch_norm, train = patient.fact("batch_norm"), patient.fact("train")
    if batch_norm and train and patient.experiment["threat"]["statistics"] == "unknown":
        words = "Batch norm used the batch's own statistics, which the attacker does not know."
        stored = ("Run it with stored statistics", (("client.train", False),))
        yield Finding("statistics", words, reached(patient), CURVE, (stored,))


def fused_labels(patient: Patient) -> Iterator[Finding]:
    """Finds pictures of one label that came back as their mixture."""
    blend = patient.evidence.get("blend")
    if blend is not None and blend < 1:
        words = "Pictures of the same label came back as a mixture: their gradients add up in the same row."
        evidence = f"The error against the mean of those pictures is {percent(blend)} of that against each of them."
        images = patient.experiment["images"]
        alone = ("Run it with one picture", (("labels", None), ("images", images[:1])))
        yield Finding("labels", words, evidence, mends=(alone,))


def too_few_numbers(patient: Patient) -> Iterator[Finding]:
    """Finds pictures with more pixels than the update holds independent numbers, so that many pictures cause it."""
    if outnumbered(patient.evidence):
        numbers, pixels = patient.evidence["numbers"], patient.evidence["pixels"]
        words = "The pictures have more pixels than the update holds numbers, so many other pictures cause it as well."
        evidence = f"The update holds at most {numbers:,.0f} independent numbers, the pictures {pixels:,.0f}."
        width = patient.experiment["model"].get("width", 0)
        wider = [(f"Run it with a width of {more}", (("model.width", more),)) for more in WIDER if more > width]
        alone = ("Run it with one picture", (("labels", None), ("images", patient.experiment["images"][:1])))
        yield Finding("numbers", words, evidence, CURVE, (*wider, alone))


def falling_still(patient: Patient) -> Iterator[Finding]:
    """Finds a run that ended while its distance still fell."""
    fell, steps = patient.evidence.get("fell", 0), patient.experiment["attack"].get("steps", 0)
    if fell > FALLING:
        words = "The run ended too early: its gradient distance was still falling."
        evidence = f"The last quarter of its {steps:,} iterations took away {percent(fell)} of the distance."
        usual = knobs.find_entry("attacks", patient.experiment["attack"], patient.catalogue)["default"]["steps"]
        more = min(max(MORE * steps, usual), MOST_STEPS)
        longer = (f"Run it for {more:,} iterations", (("attack.steps", more),))
        yield Finding("iterations", words, evidence, CURVE, (longer,))


CAUSES: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    diverged_client,
    saturated_model,
    noise_floor,
    unknown_draws,
    mistaken_steps,
    mistaken_mode,
    hidden_start,
    mistaken_labels,
    diverged_attack,
    rough_activations,
    fused_labels,
    unknown_statistics,
    too_few_numbers,
    falling_still,
)
"""Mistakes about the update come before those of the search: while one holds, no search ends at the picture."""
