"""A small engine for the run machinery: descends a quadratic to a secret picture of noise, and fails on command."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gradleak_core.forecast import Forecast
from gradleak_core.types import Candidate, Checkpoint, Finished, Frame, Progress, Refused, Secret, Started

ATTACK = {"kind": "toy", "steps": 40, "restarts": 2, "delay": 0.0, "trouble": "none"}
COUNTS = itertools.count(2)
"""The threads of runs that name none, as if something had measured anew before each."""
TROUBLES = ("none", "crash", "deaf", "error", "refused", "chatty", "greedy")


@dataclass(frozen=True)
class Experiment:
    json: Any

    @property
    def attack(self) -> Any:
        return ATTACK | self.json["attack"]


def experiment(**attack: Any) -> Any:
    """The JSON of a run; the keywords are knobs of the attack."""
    return {
        "images": ["sample:astronaut"], "labels": None, "size": 8, "channels": 3, "classes": 10, "seed": 0,
        "model": {"kind": "net"}, "client": {}, "threat": {}, "defences": [], "attack": ATTACK | attack,
    }  # fmt: skip


def numbers(*names: str, **bounds: int) -> Any:
    return {name: {"type": "integer"} | bounds for name in names}


def catalogue() -> Any:
    knobs = {"kind": {"const": "toy"}, **numbers("steps", minimum=1, maximum=1000000), **numbers("restarts", minimum=1)}
    knobs |= {"delay": {"type": "number", "minimum": 0}, "trouble": {"enum": list(TROUBLES)}}
    small = {"why": "The toy attack needs pictures of at most 32 pixels.", "any_of": [{"fact": "size", "high": 32}]}
    toy = {"type": "object", "properties": knobs, "required": ["kind"], "additionalProperties": False}
    net = {"type": "object", "properties": {"kind": {"const": "net"}}, "additionalProperties": False}
    size = {"name": "size", "label": "Size", "help": "", "type": "integer", "low": 4, "high": 224}
    whole = numbers("channels", "classes", "seed", minimum=0) | numbers("size", minimum=4, maximum=224)
    whole |= {
        "images": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 16},
        "labels": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
        "model": {"type": "object", "family": "models"}, "attack": {"type": "object", "family": "attacks"},
        "client": {"type": "object", "properties": {}}, "threat": {"type": "object", "properties": {}},
        "defences": {"type": "array", "items": {"type": "object", "family": "defences"}},
    }  # fmt: skip
    default = experiment()
    schema = {"type": "object", "properties": {k: whole[k] | {"default": value} for k, value in default.items()}}
    return {
        "schema": 1, "versions": {}, "presets": [],
        "families": {
            "attacks": {"toy": {"title": "Toy", "default": ATTACK, "knobs": [], "needs": [small], "schema": toy}},
            "models": {"net": {"title": "Net", "default": {"kind": "net"}, "knobs": [], "needs": [], "schema": net}},
            "defences": {},
        },
        "experiment": {"knobs": [size], "default": default, "schema": schema},
        "client": {"knobs": [], "default": {}, "needs": []},
        "threat": {"knobs": [], "default": {}, "needs": []},
    }  # fmt: skip


def learn(experiment: Any, busy: Any) -> None:
    """Notes what it is asked to learn in the file of the environment variable TOY_LEARNT; for 77 steps until busy."""
    if notes := os.environ.get("TOY_LEARNT"):
        steps = experiment["attack"]["steps"]
        while steps == 77 and not busy():
            time.sleep(0.01)
        with Path(notes).open("a", encoding="utf-8") as file:
            file.write(f"{steps}\n")


def load(json: Any) -> Experiment:
    if json["attack"].get("trouble") == "refused":
        raise Refused("The toy does not like this experiment; choose another.")
    return Experiment(json)


def floor(toy: Experiment, private: Secret) -> Any:
    return {"grey": {"psnr": 9.5, "ssim": 0.1, "likeness": 0.0}, "chance": 0.1}


def secret(experiment: Experiment) -> Secret:
    batch, size = len(experiment.json["images"]), experiment.json["size"]
    noise = torch.rand(batch, experiment.json["channels"], size, size, generator=torch.Generator().manual_seed(7))
    return Secret(noise, torch.arange(batch), {})


def run(experiment: Experiment, *, device: str = "cpu", due: Any, begin: Any = None) -> Any:
    attack, truth = experiment.attack, secret(experiment).images
    restarts, steps = attack["restarts"], attack["steps"]
    yield Started(steps, restarts, ("distance", "prior"))
    guess = torch.rand(restarts, *truth.shape, generator=torch.Generator().manual_seed(experiment.json["seed"]))
    best, done = torch.full((restarts,), float("inf")), 0
    if begin:
        done, guess, best = begin["iteration"], begin["guess"], begin["best"]
    for iteration in range(done + 1, steps + 1):
        if attack["trouble"] != "none" and iteration == (2 if attack["trouble"] == "deaf" else 10):
            fail(attack["trouble"])
        time.sleep(attack["delay"])
        guess += 0.05 * (truth - guess)
        distance = (guess - truth).square().mean((1, 2, 3, 4))
        best = torch.minimum(best, distance)
        pick = Candidate(guess[distance.argmin()][None], torch.zeros(1, 1, 10), {})
        losses = {"distance": distance, "prior": torch.arange(restarts) + distance}
        yield Progress(iteration, losses, best, torch.tensor(0), lambda one=pick: one, lambda one=pick: one)
        if iteration == steps or due(iteration):
            psnr = float(-10 * distance.min().log10())
            yield Frame(iteration, pick.images[0].clone(), (0,) * len(truth), {"psnr": psnr}, {"fc": 0.5}, 0)
        if iteration % 10 == 0:
            state = {"iteration": iteration, "guess": guess, "best": best}
            yield Checkpoint(iteration, lambda state=state: state)
    yield Finished("done", steps, pick, float(best.min()), 0)


def fail(trouble: str) -> None:
    if trouble == "crash":
        os._exit(3)
    if trouble == "deaf":
        time.sleep(600)
    if trouble == "error":
        raise RuntimeError("the toy broke\nin two lines")
    if trouble == "greedy":
        hoard = [torch.ones(2**24) for _ in range(1000)]  # 67 MB each
        raise AssertionError(f"there was room for {len(hoard)}")
    if trouble == "chatty":
        print("a library prints this")  # noqa: T201


class Summary:
    def __init__(self, experiment: Experiment, device: str) -> None:
        self.experiment, self.device = experiment, device
        self.iterations, self.metrics, self.forecast = 0, {}, Forecast()
        self.threads = experiment.json.get("threads") or next(COUNTS)

    def add(self, event: Any, seconds: float) -> None:
        if isinstance(event, Progress):
            self.iterations = event.iteration
        elif isinstance(event, Frame):
            self.metrics = event.metrics

    def save(self) -> Any:
        return {"iterations": self.iterations, "metrics": self.metrics, "threads": self.threads}

    def resume(self, saved: Any) -> None:
        vars(self).update(saved)

    def json(self) -> Any:
        experiment = self.experiment.json | {"threads": self.threads}
        kept = {"experiment": experiment, "metrics": self.metrics, "device": self.device}
        return kept | {"iterations": self.iterations, "status": "done"}
