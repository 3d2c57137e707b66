"""The same steps of the same attack by several programs: GradLeak, the loop of the papers' code, and breaching.

All attack the same model object and the same observed update with known labels, with the cosine, total variation and
the signs of Adam. Each gives the seconds that its iterations took, without what comes before the first.
"""

from __future__ import annotations

import copy
import importlib
import itertools
import statistics
import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from gradleak_core.attacks.inversion import Recipe
from gradleak_core.onlooker import Prepared
from gradleak_core.speed.recording import RECORDED_AT
from gradleak_core.types import Refused

JSON = Any
WARM = RECORDED_AT + 2
"""Iterations before GradLeak is timed."""
Contender = Callable[[Prepared, Recipe, int], float]
"""Seconds for a number of iterations."""
Look = Callable[[Tensor], None]
"""Called with every guess (B, C, H, W) before its iteration."""


def gradleak(both: Prepared, attack: Recipe, steps: int) -> float:
    """Once its step is recorded."""
    events = replace(attack, steps=WARM + steps).run(both.model, both.observation, seed=1)
    deque(itertools.islice(events, WARM + 1), maxlen=0)
    begun = time.perf_counter()
    deque(events, maxlen=0)
    return time.perf_counter() - begun


def bare(both: Prepared, attack: Recipe, steps: int, look: Look = lambda _: None) -> float:
    """One backward through everything, parameters included, as the papers' code has it."""
    model, seen = copy.deepcopy(both.model), list(both.observation.update.values())
    x = torch.rand(both.observation.batch, *both.observation.shape, requires_grad=True)
    optimiser = torch.optim.Adam([x], lr=0.1)
    begun = time.perf_counter()
    for _ in range(steps):
        look(x.detach())
        optimiser.zero_grad()
        model.zero_grad()
        guess = gradient(model, x, both.secret.labels)
        dot = sum((a * b).sum() for a, b in zip(guess, seen, strict=True))
        norms = sum(a.pow(2).sum() for a in guess).sqrt() * sum(b.pow(2).sum() for b in seen).sqrt()  # type: ignore[union-attr]
        across, down = (x[..., 1:] - x[..., :-1]).abs().mean(), (x[..., 1:, :] - x[..., :-1, :]).abs().mean()
        (1 - dot / norms + 0.01 * (across + down)).backward()
        assert x.grad is not None
        x.grad.sign_()
        optimiser.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    return time.perf_counter() - begun


def bare_lbfgs(both: Prepared, attack: Recipe, steps: int) -> float:
    """DLG's loop, with known labels: the squared difference by PyTorch's L-BFGS; a step is an evaluation."""
    model, seen = copy.deepcopy(both.model), list(both.observation.update.values())
    x, calls = torch.rand(both.observation.batch, *both.observation.shape, requires_grad=True), 0

    def closure() -> Tensor:
        nonlocal calls
        calls += 1
        x.grad = None
        model.zero_grad()
        guess = gradient(model, x, both.secret.labels)
        loss = torch.stack([(a - b).pow(2).sum() for a, b in zip(guess, seen, strict=True)]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    begun = time.perf_counter()
    while calls < steps:  # it gives up where it finds no way down, and begins anew
        left = steps - calls
        torch.optim.LBFGS([x], max_iter=left, max_eval=left, tolerance_grad=0, tolerance_change=0).step(closure)
    return time.perf_counter() - begun


def gradient(model: nn.Module, x: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    """In the parameters, with its own graph."""
    loss = nn.functional.cross_entropy(model(x), labels)
    return torch.autograd.grad(loss, list(model.parameters()), create_graph=True)


def breaching(both: Prepared, attack: Recipe, steps: int) -> float:
    clock: list[float] = []
    reconstruct(both, lambda _: clock.append(time.perf_counter()), steps)
    return (clock[-1] - clock[0]) * steps / (steps - 1)


def reconstruct(both: Prepared, look: Look, steps: int | None = None) -> None:
    """breaching's attack with its `invertinggradients` settings. Raises `Refused` when breaching is not installed."""
    warnings.filterwarnings("ignore")
    try:
        package, attacks = importlib.import_module("breaching"), importlib.import_module("breaching.attacks")
    except ImportError as error:
        raise Refused("breaching is not installed; `python -m benchmarks.speed` installs it beside.") from error
    settings = package.get_attack_config("invertinggradients")
    settings.optim.callback = 10**9
    if steps is not None:
        settings.optim.max_iterations = steps
    model, observation = copy.deepcopy(both.model), both.observation
    setup = {"device": torch.device("cpu"), "dtype": torch.float}
    attacker = attacks.prepare_attack(model, nn.CrossEntropyLoss(), settings, setup)
    objective = attacker._compute_objective

    def watched(candidate: Tensor, *rest: Any) -> Any:
        look(candidate.detach())
        return objective(candidate, *rest)

    attacker._compute_objective = watched
    metadata = SimpleNamespace(shape=observation.shape, modality="vision", classes=observation.classes)
    server = {"parameters": list(model.parameters()), "buffers": list(model.buffers()), "metadata": metadata}
    client = {"num_data_points": observation.batch, "labels": observation.labels, "local_hyperparams": None}
    shared = {
        "gradients": list(observation.update.values()),
        "buffers": None,
        "metadata": client | {"data_key": "inputs"},
    }
    attacker.reconstruct([server], [shared], {})


def contest(entries: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The values of each entry, taken in turns after one round to warm up."""
    found: dict[str, list[float]] = {name: [] for name in entries}
    for number in range(rounds + 1):
        for name, entry in entries.items():
            value = entry()
            if number:
                found[name].append(value)
    return found


def medians(values: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(rows) for name, rows in values.items()}
