"""`python -m benchmarks.trade_off [KIND...]`: prices every defence at several strengths, for the page to open on.

The same set-up for all: a small MLP, the built-in digits, and Inverting Gradients on three photographs. Each number is
measured three times, with other weights, draws and pictures; accuracy is measured where training has levelled off.
Mixing needs several pictures, so its clients send four at once, with and without it. Where there is an attack made
against a defence, it is played as well. A curve that is measured again takes the place of the former one in
`assets/trade_off.json`.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks import record
from benchmarks.setting import SEED
from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.data.labelled import Labelled, read_labelled
from gradleak_core.defences import DEFENCES, Defence
from gradleak_core.experiment import CODEC, Experiment, secret, shape
from gradleak_core.federation import train_to_plateau
from gradleak_core.models.mlp import MLP
from gradleak_core.pricing import Federation, Leak, glimpses, to_address
from gradleak_core.types import Note

JSON = Any
FILE = Path(__file__).parents[1] / "assets" / "trade_off.json"
SEEDS = (SEED, SEED + 1, SEED + 2)
PICTURES = ("sample:astronaut", "sample:chelsea", "sample:coffee", "sample:flower")
FEDERATION = Federation(seeds=len(SEEDS))
STEPS, NEUTRAL = 300, "inverting_gradients"
"""The iterations and the name of the attack that every defence meets."""
SETUP = Experiment(model=MLP(width=64))
STRENGTHS: dict[str, tuple[str, tuple[float, ...]]] = {
    "clipping": ("norm", (1.0, 0.1, 0.01)),
    "gaussian_noise": ("std", (0.001, 0.01, 0.1, 0.3, 1.0)),
    "laplace_noise": ("scale", (0.01, 0.1, 1.0)),
    "pruning": ("share", (0.9, 0.99, 0.999)),
    "quantisation": ("bits", (4, 2, 1)),
    "sign": ("", ()),
    "half_precision": ("", ()),
    "input_noise": ("std", (0.1, 0.3, 0.8)),
    "mixup": ("images_mixed", (2, 4)),
    "instahide": ("images_mixed", (2, 4)),
    "dropout": ("p", (0.25, 0.5, 0.9)),
    "precode": ("width", (16, 256)),
    "partial_perturbation": ("std", (0.01, 0.1, 1.0)),
}
"""The knob of each defence that says how strong it is, and its values from weak to strong."""
ANSWERS = {
    "dropout": ("dropout_inversion", 600),
    "precode": ("precode_bypass", 300),
    "partial_perturbation": ("precode_bypass", 300),
}
"""The attack that was made against a defence, and its iterations."""


def main(kinds: list[str]) -> None:
    """Measures the curves of these defences anew, or what is missing of all, and writes each point once it is there."""
    if unknown := set(kinds) - set(DEFENCES):
        sys.exit(f"There is no defence {', '.join(sorted(unknown))}; choose from {', '.join(DEFENCES)}.")
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {"bare": {}, "curves": {}}
    curves = {name: value for name, value in kept["curves"].items() if name not in kinds}
    wanted = dict.fromkeys(missing(kinds or list(DEFENCES), kept["bare"], curves))
    with ProcessPoolExecutor(record.machine()["cores"]) as processes:
        for (kind, _), found in zip(wanted, processes.map(measure, wanted), strict=True):
            if kind in DEFENCES:
                curve = curves.setdefault(kind, begin_curve(kind))
                curve["points"] = sorted(
                    [*curve["points"], found], key=lambda one, kind=kind: place(kind, one["value"])
                )
            else:
                kept["bare"][kind] = found
            in_order = {name: curves[name] for name in DEFENCES if name in curves}
            FILE.write_text(text(describe() | {"bare": kept["bare"], "curves": in_order}), encoding="utf-8")
            print(f"{kind}: {found['seconds']:.0f} s", flush=True)


Task: TypeAlias = "tuple[str, float | int | None]"
"""A defence and the value of its knob, or, for no defence, the number of pictures and None."""


def missing(kinds: list[str], bare: JSON, curves: JSON) -> Iterator[Task]:
    """Yields what is to be measured for these curves: first a strength of each, then a second of each, and so on."""
    yield from ((str(batch_of(kind)), None) for kind in kinds if str(batch_of(kind)) not in bare)
    for turn in range(max(len(values) for _, values in STRENGTHS.values())):
        for kind in kinds:
            values = STRENGTHS[kind][1] or (None,)
            value = values[(len(values) // 2 + turn) % len(values)]
            known = [point["value"] for point in curves.get(kind, {"points": ()})["points"]]
            if turn < len(values) and value not in known:
                yield kind, value


def place(kind: str, value: float | None) -> int:
    """Returns where a value stands among the strengths of a defence."""
    return (STRENGTHS[kind][1] or (None,)).index(value)


def measure(task: Task) -> JSON:
    """Returns the point of a task."""
    kind, value = task
    begun, learnt = time.perf_counter(), last(read_labelled(FEDERATION.data, shape(SETUP)))
    if kind in DEFENCES:
        part = DEFENCES[kind](**({} if value is None else {STRENGTHS[kind][0]: value}))
        attacks = {NEUTRAL: STEPS} | dict([ANSWERS[kind]] if kind in ANSWERS else [])
        found = point((part,), attacks, batch_of(kind), learnt) | {"value": value}
    else:
        found = point((), {NEUTRAL: STEPS}, int(kind), learnt)
    return found | {"seconds": round(time.perf_counter() - begun, 1)}


def describe() -> JSON:
    """Returns the set-up that all curves share, and the private pictures that are shown of it."""
    head = {"experiment": CODEC.encode(SETUP), "federation": CODEC.encode(FEDERATION), "steps": STEPS}
    whole = secret(replace(SETUP, images=PICTURES[: len(SEEDS)]))
    return head | {"truth": [to_address(image[None]) for image in whole.images]}


def batch_of(kind: str) -> int:
    """Returns the pictures that a client sends at once under a defence."""
    return len(PICTURES) if DEFENCES[kind].needs else 1


def begin_curve(kind: str) -> JSON:
    """Returns a curve without points, and where and when it is measured."""
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    place = f"{record.machine()['cores']} processor cores"
    return {"knob": STRENGTHS[kind][0], "batch": batch_of(kind), "date": today, "place": place, "points": []}


def point(defences: tuple[Defence, ...], attacks: dict[str, int], batch: int, learnt: Labelled) -> JSON:
    """Returns what every seed learns under a defence, and every attack's scores and pictures.

    The trainings begin with the same seeds as the attacks.
    """
    runs = list(setups(defences, batch))
    courses = train_to_plateau(runs[0], learnt, FEDERATION)
    leaks = {name: [leak(one, name, steps) for one in runs] for name, steps in attacks.items()}
    return {
        "defences": CODEC.encode(defences),
        "accuracy": [round(course.accuracy, 4) for course in courses],
        "lr": courses[0].lr,
        "rounds": [course.rounds for course in courses],
        "leaks": {name: scored(found, batch) for name, found in leaks.items()},
    }


def setups(defences: tuple[Defence, ...], batch: int) -> Iterator[Experiment]:
    """Yields an experiment for each seed: with a picture of its own, or with all pictures."""
    for number, seed in enumerate(SEEDS):
        images = PICTURES if batch > 1 else (PICTURES[number],)
        yield replace(SETUP, images=images, seed=seed, defences=defences)


def leak(experiment: Experiment, name: str, steps: int) -> Leak:
    """Returns what an attack recovers after its last iteration, whatever it has reached before."""
    recipe = RECIPES[name]
    assert isinstance(recipe, Recipe)
    *_, found = glimpses(replace(experiment, attack=replace(recipe, steps=steps, goal=0.0)))
    assert isinstance(found, Leak)
    return found


def scored(found: list[Leak], batch: int) -> JSON:
    """Returns the scores of every seed, and three pictures: one of each seed, or the first three of the first."""
    scores = {name: [round(one.scores[name], 3) for one in found] for name in ("psnr", "ssim", "likeness")}
    shown = found[0].pictures[: len(SEEDS)] if batch > 1 else [one.pictures[0] for one in found]
    return scores | {"pictures": list(shown)}


def last(events: Any) -> Any:
    """Returns what a generator of notes returns."""
    while True:
        try:
            assert isinstance(next(events), Note)
        except StopIteration as end:
            return end.value


def text(kept: JSON) -> str:
    """Returns JSON with a line for each curve."""
    curves = ",\n".join(f"{json.dumps(kind)}: {json.dumps(value)}" for kind, value in kept["curves"].items())
    head = json.dumps({name: value for name, value in kept.items() if name != "curves"})
    return f'{head[:-1]}, "curves": {{\n{curves}\n}}}}\n'


if __name__ == "__main__":
    main(sys.argv[1:])
