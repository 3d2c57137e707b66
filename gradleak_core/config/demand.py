"""Estimates what a run takes, from its JSON: memory, and the time of one iteration. Imports no torch.

The constants are bounds, so that the estimate is safe: what `python -m benchmarks demand` measures lies between a
fifth and the whole of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

from gradleak_core.config.needs import local_steps
from gradleak_core.types import JSON, Refused

PARAMETERS_AT_ONCE = 20_000_000
"""Restarts are computed together while their gradients stay below this, without those in factors; then in turns."""
VALUES_AT_ONCE = 50_000_000
"""Restarts are computed together while the values of their forward passes stay below this, over images and steps."""
RECORDED = 64_000_000
"""Numbers in the state of an optimiser up to which its step is recorded, for which it is copied three times."""
BASE = 50_000_000
"""Numbers of four bytes from here on, but for this: bytes of what does not grow."""
KEPT = 5
"""Numbers kept for each value of a forward pass until the slope in the image is known."""
PASSES = 6
"""Copies of a gradient in the parameters, or of the parameters themselves, at a time."""
STATE = 25
"""Numbers for each unknown: point, gradient, moments, and their copies."""
TRAINED = 2 * 64
"""Numbers for each value while a network is trained in batches of 64."""
LEARNING = 0.25
"""What learning from one picture takes, as a share of an attack's iteration on it: the median of six networks, which
range from 0.1 to 1.3."""
RATES = (1.0, 0.2, 5.0)
"""The server's learning rates that a price tries, as multiples of the one asked for."""
TRIAL = 0.2
"""The share of the most rounds for which each is tried."""
THREADS = 8
"""Threads that may share the restarts."""
SLOW = 10.0
"""Seconds of an iteration from which a run comes with a warning."""
MEMORY_VARIABLE = "GRADLEAK_MEMORY"

Terms: TypeAlias = "tuple[tuple[float, tuple[str, ...]], ...]"
"""A sum of products: each a factor and the names of what it is multiplied with."""


@dataclass(frozen=True)
class Work:
    """A network's work with one image, by its knobs, size, patches, channels and classes. Measured upper bounds."""

    parameters: Terms
    values: Terms
    """Values that the operations of a forward pass give."""
    nanoseconds: Terms
    """Nanoseconds of one iteration of an attack on one thread."""


@dataclass(frozen=True)
class Demand:
    """Bytes of memory in all and, among them, of L-BFGS's pairs; seconds of one iteration on a CPU."""

    memory: float
    pairs: float
    seconds: float


def demand(experiment: JSON, work: Mapping[str, Any]) -> Demand:
    """Returns the demand of an experiment whose network does this work (a `Work` as JSON)."""
    known = list_numbers(experiment["model"], experiment)
    parameters, values, nanoseconds = (summed(work[name], known) for name in ("parameters", "values", "nanoseconds"))
    attack, batch = experiment["attack"], len(experiment["images"])
    restarts, rounds = attack.get("restarts", 1), experiment["threat"].get("rounds", 1)
    shares = min(restarts, THREADS, experiment.get("threads") or os.cpu_count() or 1)
    images = batch * experiment["client"].get("local_epochs", 1) * rounds
    steps = local_steps(experiment) * rounds
    forward = values * images * at_once(restarts, shares, values * images, VALUES_AT_ONCE)
    gradients = parameters * steps * at_once(restarts, shares, parameters, PARAMETERS_AT_ONCE)
    solved = values / 4 if attack.get("stance", {}).get("kind") == "solve" else 0
    unknowns = restarts * batch * (known["channels"] * known["size"] ** 2 + known["classes"] + solved)
    optimiser = attack.get("optimiser", {})
    pairs = 2 * optimiser.get("history", 0) * unknowns if optimiser.get("kind") == "lbfgs" else 0  # of L-BFGS
    pairs = pairs * 4 if pairs <= RECORDED else pairs  # with their copies, if its step is recorded
    trained = TRAINED * values if experiment["weights"].get("epochs") else 0
    numbers = max(KEPT * forward, trained) + PASSES * gradients + STATE * unknowns + pairs
    return Demand(BASE + 4 * numbers, 4 * pairs, 1e-9 * nanoseconds * restarts * images / shares)


def list_numbers(model: Mapping[str, Any], pictures: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the numbers that a `Work` names: a model's knobs and the facts of its pictures, patches a side too."""
    facts = {name: pictures[name] for name in ("size", "channels", "classes")}
    return {**model, **facts, "patches": facts["size"] / model.get("patch", 1)}


def at_once(restarts: int, shares: int, each: float, most: int) -> int:
    """Returns how many restarts are computed together by threads that share them, when one takes `each` of `most`."""
    return max(shares, min(restarts, int(most / max(each, 1))))


def summed(terms: Iterable[Any], known: Mapping[str, Any]) -> float:
    """Returns the value of a sum of products."""
    return float(sum(factor * prod(known[name] for name in names) for factor, names in terms))


def estimate(experiment: JSON, catalogue: JSON) -> Demand | None:
    """Returns the demand of an experiment; None where the catalogue does not know the work of its network."""
    work = find_work(experiment, catalogue)
    return demand(experiment, work) if work and "optimiser" in experiment["attack"] else None


def find_work(experiment: JSON, catalogue: JSON) -> JSON:
    """Returns the work of an experiment's network, as JSON; None where the catalogue does not know it."""
    return catalogue["families"]["models"].get(experiment["model"]["kind"], {}).get("work")


def estimate_learning(experiment: JSON, pictures: float, catalogue: JSON) -> float:
    """Returns the seconds in which a network learns from so many pictures on a CPU; 0 where its work is not known."""
    work = find_work(experiment, catalogue)
    known = list_numbers(experiment["model"], experiment)
    return LEARNING * 1e-9 * pictures * summed(work["nanoseconds"], known) if work else 0.0


def most_rounds(rounds: int, seeds: int) -> float:
    """Returns the rounds of all trainings under one defence if each takes the most rounds.

    Each learning rate has its trial, and the best trial is the beginning of the first training.
    """
    return rounds * (seeds + TRIAL * (len(RATES) - 1))


def check_memory(experiment: JSON, catalogue: JSON, *beside: JSON) -> None:
    """Raises `Refused` when a run, with those that are computed beside it, may need more memory than is free."""
    if sentence := lack(experiment, catalogue) or lack_together((experiment, *beside), catalogue):
        raise Refused(sentence)


def lack_together(experiments: Sequence[JSON], catalogue: JSON) -> str:
    """Says that the lanes of a race may need more memory together than is free; empty when they fit."""
    asked = [found.memory for one in experiments if (found := estimate(one, catalogue))]
    there = available_memory(catalogue)
    if len(asked) < 2 or there is None or sum(asked) <= there:
        return ""
    need = f"These {len(experiments)} lanes may need {sum(asked) / 1e9:.1f} GB of memory together"
    return f"{need}, and {there / 1e9:.1f} GB are free; take fewer lanes, or smaller ones."


def lack(experiment: JSON, catalogue: JSON) -> str:
    """Says that a run may need more memory than is free, and what to lower; empty when it fits."""
    asked, there = estimate(experiment, catalogue), available_memory(catalogue)
    if asked is None or there is None or asked.memory <= there:
        return ""
    need = f"This run may need {asked.memory / 1e9:.1f} GB of memory, and {there / 1e9:.1f} GB are free"
    return f"{need}; lower {to_lower(experiment, asked)}."


def delay(experiment: JSON, catalogue: JSON) -> str:
    """Says that an iteration takes long on this machine's CPU, and what to lower; empty when it does not."""
    asked = estimate(experiment, catalogue)
    if asked is None or asked.seconds < SLOW or first_device(catalogue)["kind"] != "cpu":
        return ""
    return f"One iteration may take {asked.seconds:.0f} s here; to see it sooner, lower {to_lower(experiment, asked)}."


def to_lower(experiment: JSON, asked: Demand | None = None) -> str:
    """Names the numbers that a demand grows with, and what they are."""
    batch, restarts = len(experiment["images"]), experiment["attack"].get("restarts", 1)
    epochs = experiment["client"].get("local_epochs", 1)
    grown = {
        f"the restarts ({restarts})": restarts > 1,
        "the history of L-BFGS": asked is not None and asked.pairs > asked.memory / 2,
        f"the batch ({batch} pictures)": batch > 1,
        f"the local epochs ({epochs})": epochs > 1,
    }
    words = [words for words, large in grown.items() if large]
    return " or ".join([*words, f"the size ({experiment['size']} pixels a side)"])


def available_memory(catalogue: JSON) -> float | None:
    """Returns the bytes that a run may take: a device's own, else the main memory that is free; None if not known."""
    memory: float | None = first_device(catalogue).get("memory")
    return memory if first_device(catalogue)["kind"] != "cpu" else free_memory()


def first_device(catalogue: JSON) -> JSON:
    """Returns the device that runs are computed on."""
    return (catalogue.get("devices") or [{"kind": "cpu"}])[0]


def free_memory() -> float | None:
    """Returns the bytes of main memory that a run may take; None where the system does not say.

    These are GRADLEAK_MEMORY gigabytes, else what is free, within the bounds of a container.
    """
    with suppress(KeyError, ValueError):
        return float(os.environ[MEMORY_VARIABLE]) * 1e9
    found = []
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")))
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        most, used = (float((group / f"memory.{name}").read_text(encoding="ascii")) for name in ("max", "current"))
        found.append(most - used)
    return min(found, default=None)
